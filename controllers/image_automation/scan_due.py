"""Why a repository is scanned now (specs/image.md 4.1): pure; the first rule that answers wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.image import ImageRepository, ScanResult

NO_TAGS = "no tags in database"
_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Situation:
    """`canonical_name` is that of the spec; `has_tags` says whether the store has any of it."""

    repo: ImageRepository
    canonical_name: str
    requested: bool
    has_tags: bool
    now: datetime


def until_due(repo: ImageRepository, scan: ScanResult, now: datetime) -> timedelta:
    """Until that scan is as old as the interval; negative when it is older."""
    return repo.interval - (now - scan.scan_time)


def reason_to_scan(situation: Situation) -> str | None:
    """None when the last scan still holds."""
    return next((why for holds, why in _RULES if holds(situation)), None)


def _is_first(now: Situation) -> bool:
    return now.repo.last_scan is None


def _is_requested(now: Situation) -> bool:
    return now.requested


def _has_new_name(now: Situation) -> bool:
    return now.canonical_name != now.repo.canonical_name


def _has_new_exclusions(now: Situation) -> bool:
    return sorted(now.repo.exclusions) != sorted(now.repo.observed_exclusions)


def _has_no_tags(now: Situation) -> bool:
    return not now.has_tags


def _is_time(now: Situation) -> bool:
    if now.repo.last_scan is None:
        return True
    remaining = until_due(now.repo, now.repo.last_scan, now.now)
    # A clock that was set back must not keep it from ever being scanned again.
    return remaining < _SOON or remaining > now.repo.interval + _SOON


_RULES: tuple[tuple[Callable[[Situation], bool], str], ...] = (
    (_is_first, "first scan"),
    (_is_requested, "reconcile requested"),
    (_has_new_name, "new image name"),
    (_has_new_exclusions, "updated exclusion list"),
    (_has_no_tags, NO_TAGS),
    (_is_time, "triggered by interval"),
)
