from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.image_automation.tag_filter import ExtractTooLong, Filter
from shared.logic.regex import InvalidRegex
from shared.model.image import TagFilter

TIMED = r"^main-(?P<sha>[a-f0-9]+)-(?P<ts>[0-9]+)$"
TAG = "main-abc-1700"


def extracted(extract: str, pattern: str = TIMED, tag: str = TAG) -> str:
    (value,) = Filter(TagFilter(pattern, extract)).values([tag])
    return value


# As Go's regexp.Expand answers.
@pytest.mark.parametrize(
    ("extract", "value"),
    [
        ("$ts", "1700"),
        ("${ts}", "1700"),
        ("$2", "1700"),
        ("$1x", ""),
        ("${1}x", "abcx"),
        ("$1-x", "abc-x"),
        ("$0", TAG),
        ("$$ts", "$ts"),
        ("$ts.$sha", "1700.abc"),
        ("$unknown", ""),
        ("$9", ""),
        ("$01", ""),
        ("$99999999999", ""),
        ("a$", "a$"),
        ("$-", "$-"),
        ("${ts", "${ts"),
        ("${}", "${}"),
        ("${a-b}", "${a-b}"),
        ("literal", "literal"),
        ("$ü", ""),
    ],
)
def test_templates(extract: str, value: str) -> None:
    assert extracted(extract) == value


def test_a_group_that_took_no_part_is_nothing() -> None:
    assert extracted("$1.$2", r"^(a)|(m)", "main") == ".m"


def test_without_a_template_the_tag_is_the_value() -> None:
    assert Filter(TagFilter("^v", "")).values(["v2", "x", "v1"]) == {"v2": "v2", "v1": "v1"}


def test_an_empty_pattern_takes_all() -> None:
    assert list(Filter(TagFilter()).values(["b", "a"])) == ["b", "a"]


def test_of_tags_with_one_value_the_last_counts() -> None:
    assert Filter(TagFilter("^[ab]-(1)$", "$1")).values(["b-1", "a-1"]) == {"1": "a-1"}


def test_the_end_of_the_text_is_no_newline() -> None:
    assert Filter(TagFilter("a$", "")).values(["ab", "a"]) == {"a": "a"}


def test_a_release_with_odd_characters() -> None:
    tag = "RELEASE.2024-01-02T03-04-05Z"
    assert extracted("$timestamp", r"^RELEASE\.(?P<timestamp>.*)Z$", tag) == "2024-01-02T03-04-05"


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "x{2000}"])
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidRegex, match=r"^invalid regular expression pattern '"):
        Filter(TagFilter(pattern))


def test_a_pattern_that_would_take_for_ever() -> None:
    assert Filter(TagFilter("^(a+)+$", "$1")).values(["a" * 127 + "b"] * 100) == {}


def test_what_is_extracted_is_bounded() -> None:
    with pytest.raises(ExtractTooLong):
        Filter(TagFilter("x", "$0" * 200))
    with pytest.raises(ExtractTooLong):
        Filter(TagFilter(".*", "$0$0$0")).values(["x" * 100])


@given(st.text(max_size=30))
def test_any_template_answers(extract: str) -> None:
    (value,) = Filter(TagFilter(TIMED, extract)).values([TAG])
    assert "$" in extract or not extract or value == extract
