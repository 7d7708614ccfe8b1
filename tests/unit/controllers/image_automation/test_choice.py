from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.image_automation.choice import InvalidPolicy, NoChoice, chooser, parse_number
from shared.model.image import PolicyRule


def semver(text: str, *tags: str) -> str:
    return chooser(PolicyRule(semver=text))(tags)


# The examples of specs/image.md 22.1 and more; the tags in descending order, as they are stored.
@pytest.mark.parametrize(
    ("text", "tags", "latest"),
    [
        ("^1.0.0", ["1.1.0-rc.1", "1.0.1", "1.0.0"], "1.0.1"),
        (">=1.0.0-0", ["1.1.0-rc.1", "1.0.1", "1.0.0"], "1.1.0-rc.1"),
        ("*", ["v1.0.0", "1.0.0"], "v1.0.0"),
        ("*", ["1.0.0+b", "1.0.0+a", "1.0.0"], "1.0.0+b"),
        (">=1.0", ["1.2.3", "1.2"], "1.2.3"),
        (">=2024.0.0", ["2024.1.4", "2024.01.05"], "2024.01.05"),
        (">=1.0.0", ["2.0.0-rc1", "1.9.9", "10.0.0", "latest"], "10.0.0"),
        ("~1.2 || ^3.0.0", ["3.0.9", "2.0.0", "1.2.9"], "3.0.9"),
        ("1.2 - 2.3.4", ["2.3.5", "2.3.4", "1.2.0"], "2.3.4"),
    ],
)
def test_by_version(text: str, tags: list[str], latest: str) -> None:
    assert semver(text, *tags) == latest


@pytest.mark.parametrize("tags", [["1.2", "20240101", "v1", "latest"], ["2.0.0"], ["1.0.0.0"]])
def test_no_version_in_the_range(tags: list[str]) -> None:
    with pytest.raises(NoChoice, match=r"^unable to determine latest version from provided list$"):
        semver("^1.0.0", *tags)


def test_by_alphabet_is_by_bytes() -> None:
    tags = ["v9", "v10", "latest", "Z", "10"]
    assert chooser(PolicyRule(alphabetical="asc"))(tags) == "v9"
    assert chooser(PolicyRule(alphabetical="DESC"))(tags) == "10"
    assert chooser(PolicyRule(alphabetical="asc"))(["99", "100"]) == "99"
    assert chooser(PolicyRule(alphabetical="asc"))(["\uffff", "\U00010000"]) == "\U00010000"


@pytest.mark.parametrize(
    ("order", "values", "latest"),
    [
        ("asc", ["99", "100", "-1"], "100"),
        ("desc", ["99", "100", "-1"], "-1"),
        ("asc", ["1.0", "1", "01"], "01"),
        ("desc", ["1.0", "1"], "1"),
        ("asc", ["Inf", "1e300"], "Inf"),
        ("asc", ["20240101120000123456", "20240101120000123457"], "20240101120000123457"),
    ],
)
def test_by_number(order: str, values: list[str], latest: str) -> None:
    assert chooser(PolicyRule(numerical=order))(values) == latest


# As Go's strconv.ParseFloat answers.
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("+1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("0x1p4", 16.0),
        ("0x1.8p1", 3.0),
        ("0X_1p0", 1.0),
        ("-infinity", -math.inf),
        ("1e-400", 0.0),
    ],
)
def test_numbers(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1_000",
        "1e400",
        "-1e400",
        "0x10",
        "0x1p99999",
        "latest",
        "1,5",
        "\uff11",
        "1.2.3",
        "--1",
        ".",
    ],
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(NoChoice, match=r"^failed to parse invalid numeric value '"):
        chooser(PolicyRule(numerical="asc"))(["1", text])


@pytest.mark.parametrize(
    "rule", [PolicyRule(alphabetical="asc"), PolicyRule(numerical="asc"), PolicyRule("*")]
)
def test_nothing_to_choose_from(rule: PolicyRule) -> None:
    with pytest.raises(NoChoice, match=r"^version list argument cannot be empty$"):
        chooser(rule)([])


@pytest.mark.parametrize(
    "rule",
    [PolicyRule(), PolicyRule(semver="newest"), PolicyRule(semver=""), PolicyRule(alphabetical="up")],
)
def test_policies_that_are_refused(rule: PolicyRule) -> None:
    with pytest.raises(InvalidPolicy):
        chooser(rule)


def test_the_first_way_that_is_given_counts() -> None:
    assert chooser(PolicyRule(semver="*", alphabetical="asc", numerical="asc"))(["x", "1.0.0"]) == "1.0.0"
    assert chooser(PolicyRule(alphabetical="asc", numerical="asc"))(["x", "1"]) == "x"


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = parse_number(text)
    except NoChoice:
        return
    assert math.isnan(number) or number == parse_number(text.lower())


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_the_greatest_number_is_the_latest(numbers: list[int]) -> None:
    assert int(chooser(PolicyRule(numerical="asc"))(map(str, numbers))) == max(numbers)
