from __future__ import annotations

import time

import pytest

from controllers.source.oci_reference import CHART_LAYER, InvalidFilter, Target, VersionChoice
from shared.logic.semver import InvalidRange
from shared.model.source import OciReference

TAGS = [
    "latest",
    "1",
    "1.2",
    "1.2.0",
    "v1.3.0",
    "1.4.0-rc.1",
    "1.3.5-alpine",
    "2.0.0_build",
    "x1.9.9",
    "sha256-ab.sig",
]


@pytest.mark.parametrize(
    ("semver", "pattern", "layer", "expected"),
    [
        ("*", "", "", "v1.3.0"),
        ("1.x", "", "", "v1.3.0"),
        (">=1.0.0-0", "", "", "1.4.0-rc.1"),
        (">=1.0.0-0", "alpine$", "", "1.3.5-alpine"),
        (">=1.0.0-0", "^1\\.2", "", "1.2.0"),
        ("*", "", CHART_LAYER, "2.0.0_build"),
        (">3", "", "", ""),
    ],
)
def test_the_highest_version(semver: str, pattern: str, layer: str, expected: str) -> None:
    for tags in (TAGS, TAGS[::-1]):
        choice = VersionChoice(OciReference(semver=semver, semver_filter=pattern), layer_type=layer)
        choice.consider(tags[:4])
        choice.consider(tags[4:])
        assert choice.tag == expected


def test_equal_versions_are_told_apart_alike_whatever_their_order() -> None:
    for tags in (["1.0.0", "v1.0.0"], ["v1.0.0", "1.0.0"]):
        choice = VersionChoice(OciReference(semver="*"))
        choice.consider(tags)
        assert choice.tag == "v1.0.0"


def test_what_is_refused() -> None:
    with pytest.raises(InvalidRange):
        VersionChoice(OciReference(semver="newest"))
    for pattern in ("(", r"(?=look)", r"(a)\1"):
        with pytest.raises(InvalidFilter):
            VersionChoice(OciReference(semver="*", semver_filter=pattern))


def test_a_filter_takes_linear_time() -> None:
    choice = VersionChoice(OciReference(semver="*", semver_filter="^(a+)+$"))
    started = time.monotonic()
    choice.consider(["a" * 120 + "!"] * 100)
    assert time.monotonic() - started < 1


def test_revisions() -> None:
    assert Target("v1", "sha256:1").revision == "v1@sha256:1"
    assert Target("", "sha256:1").revision == "sha256:1"
