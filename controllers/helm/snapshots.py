"""status.history: what we know to have released, and what may be gone back to (specs/helm.md 2, 8).

Everything here is pure: a History is never changed, but replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from controllers.helm.digests import CANONICAL, config_digest, release_digest, release_matches
from controllers.helm.release.record import HookPhase, Release, Status
from shared.model.meta import Object, parse_time, render_time

API_VERSION = "v2"
_KEPT = 5
# As Go writes a time that is not set; the schema demands one.
_NO_TIME = "0001-01-01T00:00:00Z"
_GOOD = frozenset({Status.DEPLOYED.value, Status.SUPERSEDED.value})


class Action(StrEnum):
    """What made a revision, or changed it last."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    ROLLBACK = "rollback"
    UNINSTALL = "uninstall"
    UNINSTALL_REMEDIATION = "uninstall-remediation"


@dataclass(frozen=True, slots=True)
class TestRun:
    """Times are RFC 3339 in whole seconds, or empty."""

    __test__ = False

    phase: str
    started: str = ""
    completed: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One revision as it was when we last wrote it. `tests` None: not tested; empty: nothing to test."""

    api_version: str
    digest: str
    name: str
    namespace: str
    version: int
    status: str
    action: str
    chart_name: str
    chart_version: str
    app_version: str
    config_digest: str
    first_deployed: str
    last_deployed: str
    deleted: str = ""
    oci_digest: str = ""
    tests: Mapping[str, TestRun] | None = None

    @classmethod
    def of(cls, release: Release, action: str = "", oci_digest: str = "", algorithm: str = CANONICAL) -> Self:
        """Raises InvalidDigest for an unknown algorithm."""
        info = release.info
        return cls(
            api_version=API_VERSION,
            digest=release_digest(release, oci_digest, algorithm),
            name=release.name,
            namespace=release.namespace,
            version=release.version,
            status=release.status.value,
            action=action,
            chart_name=release.chart_name,
            chart_version=release.chart_version,
            app_version=release.app_version,
            config_digest=config_digest(release.config, algorithm),
            first_deployed=_whole_seconds(info.first_deployed),
            last_deployed=_whole_seconds(info.last_deployed),
            deleted=_whole_seconds(info.deleted),
            oci_digest=oci_digest,
        )

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}.v{self.version}"

    @property
    def chart(self) -> str:
        return f"{self.chart_name}@{self.chart_version}"

    @property
    def was_tested(self) -> bool:
        """Nothing to test, something failed, or all succeeded."""
        if self.tests is None:
            return False
        phases = [run.phase for run in self.tests.values()]
        return HookPhase.FAILED in phases or all(phase == HookPhase.SUCCEEDED for phase in phases)

    @property
    def failed_a_test(self) -> bool:
        return any(run.phase == HookPhase.FAILED for run in (self.tests or {}).values())

    def is_of(self, release: Release) -> bool:
        """Is it about this revision, whatever has happened to that since?"""
        return (self.name, self.namespace, self.version) == (
            release.name,
            release.namespace,
            release.version,
        )

    def verifies(self, release: Release) -> bool:
        """Is the revision as we left it? Digests of older kinds are not compared."""
        return self.api_version != API_VERSION or (
            self.is_of(release) and release_matches(self.digest, release, self.oci_digest)
        )

    def refreshed(self, release: Release, action: str, algorithm: str) -> Snapshot:
        """The same revision as it is now, with what only we know of it."""
        return replace(Snapshot.of(release, action, self.oci_digest, algorithm), tests=self.tests)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        tests = raw.get("testHooks")
        return cls(
            api_version=raw.get("apiVersion") or "",
            digest=raw.get("digest") or "",
            name=raw.get("name") or "",
            namespace=raw.get("namespace") or "",
            version=int(raw.get("version") or 0),
            status=raw.get("status") or "",
            action=raw.get("action") or "",
            chart_name=raw.get("chartName") or "",
            chart_version=raw.get("chartVersion") or "",
            app_version=raw.get("appVersion") or "",
            config_digest=raw.get("configDigest") or "",
            first_deployed=raw.get("firstDeployed") or "",
            last_deployed=raw.get("lastDeployed") or "",
            deleted=raw.get("deleted") or "",
            oci_digest=raw.get("ociDigest") or "",
            tests=None if tests is None else {name: _test_run(run or {}) for name, run in tests.items()},
        )

    def render(self) -> Object:
        raw: Object = {
            "apiVersion": self.api_version,
            "digest": self.digest,
            "name": self.name,
            "namespace": self.namespace,
            "version": self.version,
            "status": self.status,
            "action": self.action,
            "chartName": self.chart_name,
            "chartVersion": self.chart_version,
            "appVersion": self.app_version,
            "configDigest": self.config_digest,
            "firstDeployed": self.first_deployed or _NO_TIME,
            "lastDeployed": self.last_deployed or _NO_TIME,
            "deleted": self.deleted,
            "ociDigest": self.oci_digest,
        }
        required = {"digest", "chartVersion", "configDigest", "chartName", "name", "namespace", "status"}
        kept = {key: value for key, value in raw.items() if value or key in required}
        if self.tests is not None:
            kept["testHooks"] = {name: _render_test(run) for name, run in self.tests.items()}
        return kept


@dataclass(frozen=True, slots=True)
class History:
    """Snapshots, the newest version first."""

    snapshots: tuple[Snapshot, ...] = ()

    @classmethod
    def of(cls, snapshots: Iterable[Snapshot]) -> Self:
        return cls(tuple(sorted(snapshots, key=lambda item: -item.version)))

    @classmethod
    def parse(cls, raw: Sequence[Mapping[str, Any]] | None) -> Self:
        return cls.of(Snapshot.parse(item) for item in raw or ())

    def render(self) -> list[Object]:
        return [item.render() for item in self.snapshots]

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.snapshots)

    def __len__(self) -> int:
        return len(self.snapshots)

    @property
    def latest(self) -> Snapshot | None:
        return self.snapshots[0] if self.snapshots else None

    def previous(self, *, ignore_tests: bool) -> Snapshot | None:
        """The newest older revision that was good: where a rollback leads."""
        return next((item for item in self.snapshots[1:] if _is_good(item, ignore_tests)), None)

    def truncated(self, *, ignore_tests: bool) -> History:
        """Down to the previous good one, else the last five."""
        previous = self.previous(ignore_tests=ignore_tests)
        if previous is None:
            return self.last_five()
        return History(self.snapshots[: self.snapshots.index(previous) + 1])

    def last_five(self) -> History:
        return History(self.snapshots[:_KEPT])

    def find(self, release: Release) -> Snapshot | None:
        return next((item for item in self.snapshots if item.is_of(release)), None)

    def replacing(self, snapshot: Snapshot) -> History:
        """With this snapshot in the place of the one of its version, or added."""
        others = [item for item in self.snapshots if item.version != snapshot.version]
        return History.of([snapshot, *others])


def _is_good(item: Snapshot, ignore_tests: bool) -> bool:  # noqa: FBT001 - named by every caller
    return item.status in _GOOD and (ignore_tests or not item.failed_a_test)


def _whole_seconds(text: str) -> str:
    return render_time(parse_time(text)) if text else ""


def _test_run(raw: Mapping[str, Any]) -> TestRun:
    return TestRun(raw.get("phase") or "", raw.get("lastStarted") or "", raw.get("lastCompleted") or "")


def _render_test(run: TestRun) -> Object:
    raw = {"lastStarted": run.started, "lastCompleted": run.completed, "phase": run.phase}
    return {key: value for key, value in raw.items() if value}


def results_of(release: Release, names: Iterable[str]) -> dict[str, TestRun]:
    """The results of these hooks of a release."""
    wanted = set(names)
    return {
        hook.name: TestRun(
            hook.last_run.phase.value,
            _whole_seconds(hook.last_run.started_at),
            _whole_seconds(hook.last_run.completed_at),
        )
        for hook in release.hooks
        if hook.name in wanted
    }
