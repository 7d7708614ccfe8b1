from __future__ import annotations

import pytest

from shared.charts.version_choice import choose, full_version, is_exact
from shared.logic.semver import InvalidRange


def entry(version: str, **more: object) -> dict[str, object]:
    return {"name": "app", "version": version, "urls": ["x"], **more}


LISTED = [entry(text) for text in ("2.0.0-rc.1", "1.10.0", "1.9.1", "1.9", "v1.8.0", "0.1.0+a")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", "1.10.0"),
        ("*", "1.10.0"),
        ("1.x", "1.10.0"),
        ("~1.9.0", "1.9.1"),
        (">=2.0.0-0", "2.0.0-rc.1"),
        ("1.9", "1.9"),
        ("v1.8.0", "v1.8.0"),
        ("1.8.0", "v1.8.0"),
        ("0.1.0+a", "0.1.0+a"),
        ("2.0.0-rc.1", "2.0.0-rc.1"),
    ],
)
def test_which_one_is_meant(wanted: str, found: str) -> None:
    chosen = choose(LISTED, wanted)
    assert chosen is not None
    assert (chosen.version, chosen.urls) == (found, ("x",))


@pytest.mark.parametrize("wanted", [">9", "3.0.0", "9.9.9-alpha"])
def test_none_is_meant(wanted: str) -> None:
    assert choose(LISTED, wanted) is None


@pytest.mark.parametrize("listed", [[], LISTED, [entry("1.9")]], ids=["none", "some", "short"])
def test_nonsense_is_refused(listed: list[dict[str, object]]) -> None:
    with pytest.raises(InvalidRange):
        choose(listed, "newest")


def test_of_equals_the_newest() -> None:
    listed = [
        entry("1.0.0+a", created="2026-01-01T00:00:00.123456789Z"),
        entry("1.0.0+b", created="2026-01-02T00:00:00Z"),
        entry("1.0.0+c", created="whenever"),
    ]
    chosen = choose(listed, "*")
    assert chosen is not None
    assert chosen.version == "1.0.0+b"


def test_what_is_said_of_a_download_may_be_anything() -> None:
    chosen = choose([entry("1.0.0", urls=[None, "a", 1, "https://x/\x1b[31m"], digest=7)], "*")
    assert chosen is not None
    assert (chosen.urls, chosen.digest) == (("a",), "")


@pytest.mark.parametrize(
    ("text", "exact"), [("1.2.3", True), ("1.2.3-rc.1+b.2", True), ("1.2", False), ("*", False), ("", False)]
)
def test_exact_versions(text: str, exact: bool) -> None:
    assert is_exact(text) is exact
    assert (full_version(text) is not None) is exact
