"""The grammar of --set; the expected values are what the engine's own parser gives."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.charts.strvals import MAX_INDEX, BadSetting, set_line, set_literal


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("a=1", {"a": 1}, id="an integer"),
        pytest.param("a=+1,b=-2", {"a": 1, "b": -2}, id="signs"),
        pytest.param("a=0,b=01", {"a": 0, "b": "01"}, id="zero is a number, a leading zero makes text"),
        pytest.param("a=1.5", {"a": "1.5"}, id="a fraction is text"),
        pytest.param("a=9223372036854775808", {"a": "9223372036854775808"}, id="beyond 64 bits is text"),
        pytest.param("a=true,b=FALSE,c=Null", {"a": True, "b": False, "c": None}, id="words in any case"),
        pytest.param("a=", {"a": ""}, id="nothing is empty text"),
        pytest.param("a.b.c=x", {"a": {"b": {"c": "x"}}}, id="dots"),
        pytest.param(r"a\.b=x", {"a.b": "x"}, id="an escaped dot"),
        pytest.param(r"a=x\,y", {"a": "x,y"}, id="an escaped comma"),
        pytest.param("a=x=y", {"a": "x=y"}, id="an equals sign in the value"),
        pytest.param("a={1,x,true}", {"a": [1, "x", True]}, id="a list"),
        pytest.param("a={},b=2", {"a": [""], "b": 2}, id="an empty list holds empty text"),
        pytest.param("a[1]=x", {"a": [None, "x"]}, id="an index beyond the end"),
        pytest.param("a[0].b=1,a[0].c=2", {"a": [{"b": 1, "c": 2}]}, id="maps in a list"),
        pytest.param("a[0][1]=x", {"a": [[None, "x"]]}, id="lists in a list"),
        pytest.param("a[0]", {"a": []}, id="an index without value"),
        pytest.param("a=1\n", {"a": "1\n"}, id="the newline belongs to the value"),
        pytest.param("", {}, id="nothing at all"),
    ],
)
def test_lines_of_set(line: str, expected: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    set_line(values, line)
    assert values == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("a", 'key "a" has no value', id="no value"),
        pytest.param("a,b=1", "cannot end with ,", id="a comma for the value"),
        pytest.param("a.=1", 'key map "a" has no value', id="no name after the dot"),
        pytest.param("a={1", "list must terminate", id="an open list"),
        pytest.param("a[x]=1", "error parsing index", id="an index of letters"),
        pytest.param("a[-1]=1", "negative -1 index", id="a negative index"),
        pytest.param("a[9999999999]=1", "greater than maximum supported index", id="an index of gigabytes"),
        pytest.param(f"a[{'9' * 5000}]=1", "error parsing index", id="an index of 5000 digits"),
        pytest.param("a[0]x=1", "unexpected data at end of array index", id="text after an index"),
        pytest.param("a." * 31 + "a=1", "nested level is greater", id="too many names"),
        pytest.param("a" + "[0]" * 40 + "=1", "nested more than", id="too many nested lists"),
        pytest.param(",".join(f"k{n}[65536]=1" for n in range(20)), "elements", id="too many elements"),
        pytest.param("text.b=1", '"text" is text in the values, not a map', id="a name under text"),
        pytest.param("text[0]=1", '"text" is text in the values, not a list', id="an index of text"),
        pytest.param("none.b=1", '"none" is null', id="a name under null"),
    ],
)
def test_refused_lines(line: str, message: str) -> None:
    with pytest.raises(BadSetting, match=message.replace("[", r"\[")):
        set_line({"text": "x", "none": None}, line)


def test_a_long_enough_list_is_changed_in_place_and_a_short_one_is_not() -> None:
    shared = ["a", "b"]
    values: dict[str, Any] = {"list": shared}
    set_line(values, "list[1]=c")
    assert shared == ["a", "c"]
    set_line(values, "list[2]=d")
    assert (shared, values["list"]) == (["a", "c"], ["a", "c", "d"])


def test_values_stay_text_when_text_is_asked_for() -> None:
    values: dict[str, Any] = {}
    set_line(values, "a=true,b={1,null}", as_text=True)
    assert values == {"a": "true", "b": ["1", "null"]}


@given(st.text())
def test_a_literal_is_taken_as_it_is(value: str) -> None:
    values: dict[str, Any] = {}
    set_literal(values, r"a\.b.c[1]", value)
    assert values == {"a.b": {"c": [None, value]}}


@given(st.text(alphabet="ab.,=[]{}\\01 \n\"'-", max_size=40), st.booleans())
def test_any_line_is_set_or_refused(line: str, as_text: bool) -> None:
    values: dict[str, Any] = {}
    with contextlib.suppress(BadSetting):
        set_line(values, line, as_text=as_text)
    assert all(isinstance(key, str) for key in values)


def test_the_highest_index_is_allowed() -> None:
    values: dict[str, Any] = {}
    set_line(values, f"a[{MAX_INDEX}]=x")
    assert len(values["a"]) == MAX_INDEX + 1
