"""One object that is nested without end hides none of the others."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kube import bounded_json
from shared.kube.bounded_json import DEEPEST, loads

DEEP = b'{"a":' * 5_000 + b'"[{"' + b"}" * 5_000


def depth(value: Any) -> int:
    found = 0
    while isinstance(value, dict | list):
        value = next(iter(value.values() if isinstance(value, dict) else value), None)
        found += 1
    return found


def test_the_neighbours_of_a_deep_object_are_whole() -> None:
    found = loads(b'{"items":[{"x":"}]\\"{"},' + DEEP + b',{"y":[1,[2]]}]}')["items"]
    assert (found[0], found[2]) == ({"x": '}]"{'}, {"y": [1, [2]]})
    assert depth(found[1]) == DEEPEST - 2


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[" * 5_000, DEEP[:-1], b"nonsense", b"[" * 2_000 + b"}" * 2_000]
)
def test_what_is_no_json_stays_an_error(raw: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(raw)


@given(
    st.recursive(
        st.none() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=20,
    )
)
def test_shallow_values_are_left_alone(value: Any) -> None:
    try:
        raw = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return
    assert bounded_json._cut(raw) == raw
