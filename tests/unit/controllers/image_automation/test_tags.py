from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.image_automation import tags
from controllers.image_automation.tags import Gathering, Listing, TooManyTags
from shared.logic.regex import InvalidRegex
from shared.model.image import DEFAULT_EXCLUSIONS


def gathered(*pages: list[str], exclusions: tuple[str, ...] = ()) -> list[str]:
    gathering = Gathering(exclusions)
    for page in pages:
        gathering.add(page)
    return gathering.finish()


def test_descending_by_bytes_and_each_once() -> None:
    assert gathered(["6.2.0", "latest"], ["10.0.0", "Z", "latest"]) == ["latest", "Z", "6.2.0", "10.0.0"]


def test_exclusions_are_searched_for() -> None:
    found = ["sha256-0.sig", "sigh", "1.0-dev", "1.0"]
    assert gathered(found, exclusions=DEFAULT_EXCLUSIONS) == ["sigh", "1.0-dev", "1.0"]
    assert gathered(found, exclusions=("dev", "^sig")) == ["sha256-0.sig", "1.0"]


@pytest.mark.parametrize(
    "tag", ["", ".x", "-x", "a b", "a\nb", "a\n", "ü", 'a"b', "${x}", "a/b", "x" * 129, "\uff11"]
)
def test_what_is_no_tag_is_never_written_into_a_manifest(tag: str) -> None:
    assert gathered([tag, "ok"]) == ["ok"]


def test_a_tag_of_128_odd_characters() -> None:
    odd = "_" + ".-_" * 42 + "x"
    assert (len(odd), gathered([odd])) == (128, [odd])


def test_a_pattern_that_would_take_for_ever() -> None:
    assert gathered(["a" * 128], exclusions=("^(a+)+$",)) == []
    assert gathered(["a" * 127 + "b"], exclusions=("^(a+)+$",)) == ["a" * 127 + "b"]


@pytest.mark.parametrize(
    "pattern", ["(", "(?=x)", "x{1001}", r"\1", "((((a{30}){30}){30}){30})", "x" * 5_000]
)
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidRegex, match=r"^failed to compile regex "):
        Gathering([pattern])


def test_too_many_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MAX_TAGS", 3)
    with pytest.raises(TooManyTags, match=r"or leave them out by spec\.exclusionList"):
        gathered(["a", "b"], ["c", "d"])
    assert gathered(["a", "b"], ["c", "d"], exclusions=("[ab]",)) == ["d", "c"]


def test_a_list_that_repeats_itself_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "_MOST_SEEN", 10)
    with pytest.raises(TooManyTags):
        gathered(*[["excluded"]] * 11, exclusions=("x",))


# The vectors of specs/image.md 6.
def test_revisions() -> None:
    found = ["d", "c", "b", "a"]
    assert Listing.of(found, by_content=False).revision == "580584407"
    assert Listing.of([], by_content=False).revision == "18153657"
    assert Listing.of(found, by_content=True).revision.startswith("sha256:5c6861a5")
    empty = Listing.of([], by_content=True).revision
    assert empty == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.lists(st.from_regex(r"[a-z0-9]{1,3}", fullmatch=True), max_size=30), st.integers(1, 5))
def test_pages_make_no_difference(found: list[str], size: int) -> None:
    pages = [found[start : start + size] for start in range(0, len(found), size)]
    assert gathered(*pages) == gathered(found) == sorted(set(found), reverse=True)


def test_the_first_ten_are_shown() -> None:
    listing = Listing.of([f"{number:02}" for number in range(20, 0, -1)], by_content=False)
    assert (listing.count, listing.latest[0], listing.latest[-1], len(listing.latest)) == (20, "20", "11", 10)
