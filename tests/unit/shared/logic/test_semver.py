import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.semver import MAX_LENGTH, InvalidRange, InvalidVersion, Range, Version, highest

ORDER = [
    "1.0.0-0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.0.1",
]


def test_precedence_is_semver_orgs() -> None:
    versions = [Version.parse(text) for text in reversed(ORDER)]

    assert [str(version) for version in sorted(versions)] == ORDER


def test_build_metadata_is_shown_but_not_compared() -> None:
    assert Version.parse("v1.2.3+a") == Version.parse("1.2.3+b")
    assert str(Version.parse("v1.2+a")) == "1.2.0+a"


def test_highest_leaves_out_prereleases_and_what_is_out_of_range() -> None:
    versions = [Version.parse(text) for text in ("1.0.0", "1.9.0", "1.10.0", "1.11.0-rc.1", "2.0.0")]

    assert highest(versions, Range.parse("1.x")) == Version.parse("1.10.0")
    assert highest(versions, Range.parse(">3")) is None


@pytest.mark.parametrize("text", ["1" * (MAX_LENGTH + 1), "1 " * MAX_LENGTH])
def test_oversized_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidVersion):
        Version.parse(text)
    with pytest.raises(InvalidRange):
        Range.parse(text)


@given(st.text(alphabet="0123456789.xX*-+v<>=~^|, ", max_size=40))
def test_bad_ranges_fail_in_one_way(text: str) -> None:
    with contextlib.suppress(InvalidRange):
        Range.parse(text).contains(Version.parse("1.2.3"))


@given(st.tuples(*[st.integers(0, 2**64 - 1)] * 3))
def test_a_rendered_version_reads_back(parts: tuple[int, int, int]) -> None:
    version = Version(*parts)

    assert Version.parse(str(version)) == version
    assert Range.parse(f"={version}").contains(version)
