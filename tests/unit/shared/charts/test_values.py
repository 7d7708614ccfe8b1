"""How referenced and inline values become the values of a release (specs/helm.md 7.4)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.charts.values import PartRefused, ValuesPart, compose, integers, merge


@pytest.mark.parametrize(
    ("parts", "inline", "expected"),
    [
        pytest.param([], {}, {}, id="nothing"),
        pytest.param([ValuesPart("a: 1"), ValuesPart("a: 2")], {}, {"a": 2}, id="the later document wins"),
        pytest.param([ValuesPart("a: 1")], {"a": 3}, {"a": 3}, id="inline wins over documents"),
        pytest.param(
            [ValuesPart("a: {b: 1, c: 2}")], {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}, id="maps merge"
        ),
        pytest.param([ValuesPart("a: [1, 2]")], {"a": [3]}, {"a": [3]}, id="lists are replaced"),
        pytest.param([ValuesPart("a: {b: 1}")], {"a": None}, {"a": None}, id="a null replaces a map"),
        pytest.param([ValuesPart("a: null")], {}, {"a": None}, id="a null stays for the engine"),
        pytest.param([ValuesPart("")], {"a": 1}, {"a": 1}, id="an empty document"),
        pytest.param([ValuesPart("x", "a.b")], {}, {"a": {"b": "x"}}, id="a path makes its maps"),
        pytest.param(
            [ValuesPart("x", "a.b")], {"a": {"b": 1}}, {"a": {"b": "x"}}, id="a path wins in inline's map"
        ),
        pytest.param([ValuesPart("x", "a")], {"a": 1}, {"a": 1}, id="an inline scalar wins at the top"),
        pytest.param(
            [ValuesPart("a: {c: 2}"), ValuesPart("x", "a.b")],
            {"a": {"b": 1}},
            {"a": {"b": 1, "c": 2}},
            id="an inline scalar wins in a map that both have",
        ),
        pytest.param([ValuesPart("x", "a[0]")], {"a": [1]}, {"a": ["x"]}, id="a path reaches inline's list"),
        pytest.param([ValuesPart("x", "a[1]")], {"a": [1]}, {"a": [1]}, id="but cannot make it longer"),
        pytest.param([ValuesPart("12", "a")], {}, {"a": 12}, id="types are inferred"),
        pytest.param([ValuesPart("'12'", "a")], {}, {"a": "12"}, id="quotes make text"),
        pytest.param([ValuesPart('"a{b}"', "a")], {}, {"a": "a{b}"}, id="double quotes, too"),
        pytest.param([ValuesPart("{1,2}", "a")], {}, {"a": [1, 2]}, id="a list"),
        pytest.param([ValuesPart("12,b=2", "a")], {}, {"a": 12, "b": 2}, id="a comma begins another key"),
        pytest.param([ValuesPart("12,b=2\n", "a", literal=True)], {}, {"a": "12,b=2\n"}, id="a literal"),
        pytest.param([ValuesPart("{x}\\y'", "a", literal=True)], {}, {"a": "{x}\\y'"}, id="an odd literal"),
        pytest.param(
            [ValuesPart("1", "a.b"), ValuesPart("a: {c: 2}")],
            {"d": 4},
            {"a": {"b": 1, "c": 2}, "d": 4},
            id="a document after a path",
        ),
    ],
)
def test_composed_values(parts: list[ValuesPart], inline: dict[str, Any], expected: dict[str, Any]) -> None:
    before = copy.deepcopy(inline)
    assert compose(parts, inline) == expected
    assert inline == before


@pytest.mark.parametrize(
    ("part", "message"),
    [
        pytest.param(ValuesPart("- 1"), "not a map", id="a list for a document"),
        pytest.param(ValuesPart("a: ["), "cannot read values", id="broken YAML"),
        pytest.param(ValuesPart("[" * 5000), "cannot read values", id="deep YAML"),
        pytest.param(ValuesPart("x", "a[9999999999]"), "cannot set a", id="a hostile path"),
        pytest.param(ValuesPart("x,y", "a"), 'key "y" has no value', id="an unescaped comma"),
    ],
)
def test_refused_parts(part: ValuesPart, message: str) -> None:
    with pytest.raises(PartRefused, match=message) as refused:
        compose([part], {})
    assert refused.value.part is part


_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_maps = st.dictionaries(st.sampled_from("abc"), _trees, max_size=3)


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Everything that is no map, by its path."""
    if not isinstance(value, dict):
        return {path: value}
    return {where: leaf for key, item in value.items() for where, leaf in leaves(item, (*path, key)).items()}


@given(_maps, _maps)
def test_what_is_above_wins_and_the_arguments_stay(below: Any, above: Any) -> None:
    before = copy.deepcopy((below, above))
    merged = merge(below, above)
    assert leaves(above).items() <= leaves(merged).items()
    assert leaves(merged).items() <= (leaves(below) | leaves(above)).items()
    assert merge(merged, above) == merged
    assert (below, above) == before


@given(_maps)
def test_merging_with_nothing_or_itself_changes_nothing(a: Any) -> None:
    assert merge(a, {}) == merge({}, a) == merge(a, a) == a


def test_numbers_of_a_path_are_known_again() -> None:
    parts = [
        ValuesPart("a: {n: 1}"),
        ValuesPart("7", "a.b[1].c"),
        ValuesPart("0", "z"),
        ValuesPart("{1,x}", "l"),
    ]
    assert integers(compose(parts, {"y": 5})) == [
        (("a", "b", 1, "c"), 7),
        (("l", 0), 1),
        (("z",), 0),
    ]
