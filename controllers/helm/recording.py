"""What the history says after an action, from what the action wrote to storage (specs/helm.md 8.2).

Pure: the writes are given as the last state of each revision that was written, in the order of the writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from controllers.helm.digests import CANONICAL
from controllers.helm.release.record import Release
from controllers.helm.snapshots import Action, History, Snapshot, TestRun


class Written:
    """An observer of storage: the last state of every revision that an action wrote."""

    def __init__(self) -> None:
        self._by_version: dict[int, Release] = {}

    def note(self, release: Release) -> None:
        self._by_version.pop(release.version, None)
        self._by_version[release.version] = release

    @property
    def releases(self) -> list[Release]:
        return list(self._by_version.values())

    @property
    def newest(self) -> Release | None:
        return self._by_version[max(self._by_version)] if self._by_version else None

    def clear(self) -> None:
        self._by_version.clear()


def after_release(
    history: History, written: Sequence[Release], action: Action, oci_digest: str, algorithm: str = CANONICAL
) -> History:
    """After an install or an upgrade: its revision is the newest; what it superseded is refreshed."""
    if not written:
        return history
    ordered = sorted(written, key=lambda release: -release.version)
    history = history.replacing(Snapshot.of(ordered[0], action, oci_digest, algorithm))
    for release in ordered[1:]:
        known = history.find(release)
        if known is not None:
            return history.replacing(known.refreshed(release, known.action, algorithm))
    return history


def after_rollback(history: History, written: Iterable[Release], algorithm: str = CANONICAL) -> History:
    """Every revision that was touched says so."""
    for release in written:
        known = history.find(release) or Snapshot.of(release, algorithm=algorithm)
        history = history.replacing(known.refreshed(release, Action.ROLLBACK, algorithm))
    return history


def after_uninstall(
    history: History, written: Iterable[Release], action: Action, algorithm: str = CANONICAL
) -> History:
    for release in written:
        known = history.find(release)
        if known is not None:
            history = history.replacing(known.refreshed(release, action, algorithm))
    return history


def after_tests(
    history: History, release: Release, tests: dict[str, TestRun], algorithm: str = CANONICAL
) -> History:
    """The latest snapshot, which must be about that release."""
    known = history.find(release)
    if known is None:
        return history
    return history.replacing(replace(known.refreshed(release, known.action, algorithm), tests=tests))


def after_unlock(history: History, release: Release, action: str, algorithm: str = CANONICAL) -> History:
    """Also of a revision that the process died over before it could be remembered.

    That one must follow what is known: then it was ours, and need not be taken for somebody else's.
    """
    known, latest = history.find(release), history.latest
    if known is not None:
        return history.replacing(replace(known.refreshed(release, known.action, algorithm), tests=None))
    follows = latest is not None and latest.name == release.name and latest.version + 1 == release.version
    if action and (follows or (latest is None and release.version == 1)):
        return history.replacing(Snapshot.of(release, action, algorithm=algorithm))
    return history
