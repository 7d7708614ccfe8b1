from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controllers.image_automation.scan_due import Situation, reason_to_scan
from shared.model.image import ImageRepository

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAME = "ghcr.io/org/app"
REPO = ImageRepository.parse(
    {
        "metadata": {"name": "app", "namespace": "apps"},
        "spec": {"image": NAME, "interval": "10m", "exclusionList": ["b", "a"]},
        "status": {
            "canonicalImageName": NAME,
            "observedExclusionList": ["a", "b"],
            "lastScanResult": {"tagCount": 1, "revision": "1", "scanTime": "2026-01-01T11:55:00Z"},
        },
    }
)
SCANNED = Situation(REPO, NAME, requested=False, has_tags=True, now=NOW)


def after(**passed: float) -> Situation:
    assert REPO.last_scan
    return replace(SCANNED, now=REPO.last_scan.scan_time + timedelta(**passed))


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (SCANNED, None),
        (replace(SCANNED, repo=replace(REPO, last_scan=None)), "first scan"),
        (replace(SCANNED, requested=True), "reconcile requested"),
        (replace(SCANNED, canonical_name="ghcr.io/org/other"), "new image name"),
        (replace(SCANNED, repo=replace(REPO, exclusions=("a",))), "updated exclusion list"),
        (replace(SCANNED, repo=replace(REPO, exclusions=("a", "b", "b"))), "updated exclusion list"),
        (replace(SCANNED, has_tags=False), "no tags in database"),
        (after(minutes=9, seconds=58.9), None),
        (after(minutes=9, seconds=59.1), "triggered by interval"),
        (after(hours=-2), "triggered by interval"),
        (replace(SCANNED, requested=True, has_tags=False), "reconcile requested"),
    ],
)
def test_why_a_repository_is_scanned(situation: Situation, why: str | None) -> None:
    assert reason_to_scan(situation) == why
