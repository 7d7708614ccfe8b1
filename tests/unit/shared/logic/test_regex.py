from __future__ import annotations

import time

import pytest

from shared.logic.regex import MAX_LENGTH, InvalidRegex, compile_regex


def test_a_pattern_of_go() -> None:
    pattern = compile_regex(r"^v(?P<major>\d+)\.(?<minor>\d+)$")
    assert pattern.search("v1.22").group("minor") == "22"
    assert pattern.search("v1.22\n") is None


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "a**", "x{1001}", "\\"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidRegex) as caught:
        compile_regex(pattern)
    assert str(caught.value).startswith(f"invalid regular expression pattern '{pattern}': ")


def test_patterns_are_bounded() -> None:
    with pytest.raises(InvalidRegex, match="of 4097 characters, at most 4096 are read"):
        compile_regex("x" * (MAX_LENGTH + 1))
    with pytest.raises(InvalidRegex):
        compile_regex("((((a{100}){100}){100}){100}){100}")


def test_no_pattern_takes_for_ever() -> None:
    pattern = compile_regex(r"^(a+)+$")
    started = time.perf_counter()
    assert pattern.search("a" * 10_000 + "b") is None
    assert time.perf_counter() - started < 1
