"""In which state a release is, from what is stored, what is remembered and what is wanted (specs/helm.md 9).

Pure. Drift alone needs the cluster: who finds IN_SYNC here may look for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from controllers.helm.digests import config_matches
from controllers.helm.release.record import Release, Status
from controllers.helm.snapshots import History, Snapshot


class State(Enum):
    ABSENT = auto()
    LOCKED = auto()
    LEAVING = auto()
    """An uninstall began and did not come to its end."""
    UNMANAGED = auto()
    OUT_OF_SYNC = auto()
    UNTESTED = auto()
    FAILED = auto()
    DRIFTED = auto()
    IN_SYNC = auto()


class IndeterminateState(Exception):
    """The last revision is in a status that no action leaves and none can go on from."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the spec and its sources ask for.

    `values_digest` is the config digest of the composed values; `values` they themselves, for digests
    that were made by another algorithm. `rendering_changed` says why the options that are not part of
    a release no longer are those it was made with; empty when they are.
    """

    chart_name: str
    chart_version: str
    values: dict[str, object]
    values_digest: str
    tests_enabled: bool
    failed_tests_count: bool
    rendering_changed: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A state and the reason for it, for the log."""

    state: State
    reason: str = ""


def determine(release: Release | None, history: History, wanted: Wanted) -> Found:
    """`release` is the newest revision in storage. Raises IndeterminateState."""
    if release is None:
        return Found(State.ABSENT, "no release in storage for object")
    if release.status.is_pending:
        return Found(State.LOCKED, f"release with status '{release.status}'")
    if release.status is Status.UNINSTALLING:
        return Found(State.LEAVING, f"release with status '{release.status}'")
    latest = history.latest
    if latest is None:
        if release.status is Status.UNINSTALLED:
            return Found(State.ABSENT, "found uninstalled release in storage")
        return Found(State.UNMANAGED, "found existing release in storage")
    if not latest.verifies(release):
        return Found(State.UNMANAGED, "release not observed to be made for object")
    match release.status:
        case Status.FAILED:
            return Found(State.FAILED)
        case Status.UNINSTALLED:
            return Found(State.ABSENT, "found uninstalled release in storage")
        case Status.SUPERSEDED:
            return Found(State.OUT_OF_SYNC, "the release that superseded this one is gone")
        case Status.DEPLOYED:
            return _of_deployed(release, latest, wanted)
    raise IndeterminateState(
        f"unable to determine state for release with status '{release.status}': roll back or uninstall "
        f"release {release} with helm, or delete the record of this revision"
    )


def _of_deployed(release: Release, latest: Snapshot, wanted: Wanted) -> Found:
    if (release.chart_name, release.chart_version) != (wanted.chart_name, wanted.chart_version):
        return Found(State.OUT_OF_SYNC, "release chart changed")
    if latest.config_digest != wanted.values_digest and not config_matches(
        latest.config_digest, wanted.values
    ):
        return Found(State.OUT_OF_SYNC, "release config values changed")
    if wanted.rendering_changed:
        return Found(State.OUT_OF_SYNC, wanted.rendering_changed)
    if wanted.tests_enabled:
        if not latest.was_tested:
            return Found(State.UNTESTED)
        if wanted.failed_tests_count and latest.failed_a_test:
            return Found(State.FAILED, "release has test in failed phase")
    return Found(State.IN_SYNC)
