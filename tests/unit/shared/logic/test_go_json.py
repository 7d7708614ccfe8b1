"""Byte for byte as Go's encoding/json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.go_json import encode, sorted_maps

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, b"1"),
        (-0.0, b"-0"),
        (1e21, b"1e+21"),
        (1e20, b"100000000000000000000"),
        (1e-6, b"0.000001"),
        (1e-7, b"1e-7"),
        (1.5e-10, b"1.5e-10"),
        (5e-324, b"5e-324"),
        (True, b"true"),
        ({"b": 1, "a": None}, b'{"b":1,"a":null}'),
        ("<a & b>", b'"\\u003ca \\u0026 b\\u003e"'),
        ("\u2028\n\t\x01", b'"\\u2028\\n\\t\\u0001"'),
        ("ä\x7f", '"ä\x7f"'.encode()),
        ((), b"[]"),
    ],
)
def test_as_go_writes_it(value: Any, written: bytes) -> None:
    assert encode(value) == written


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()})


@given(VALUES)
def test_it_is_json_and_says_the_same(value: Any) -> None:
    plain = json.dumps(value).encode(errors="replace")
    assert json.loads(encode(value), parse_int=float) == json.loads(plain, parse_int=float)


@given(VALUES)
def test_maps_are_sorted_all_the_way_down(value: Any) -> None:
    assert encode(sorted_maps(value)) == encode(json.loads(json.dumps(value, sort_keys=True)))
