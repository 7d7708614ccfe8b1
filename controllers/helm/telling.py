"""Messages and events about a release, in the words that Flux's tools know (specs/helm.md 3, 19)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from controllers.helm.release.record import render_moment
from controllers.helm.snapshots import Snapshot
from shared.model.event import EventType
from shared.model.helm import GROUP, HelmRelease
from shared.runtime.report import Report

_KEPT = 10


class StageLog:
    """The last few things an action said, for the event of its failure; repeats are counted."""

    def __init__(self) -> None:
        self._lines: deque[tuple[str, str, int]] = deque(maxlen=_KEPT)

    def note(self, text: str) -> None:
        now = render_moment(datetime.now(UTC))
        if self._lines and self._lines[-1][1] == text:
            moment, _, count = self._lines.pop()
            self._lines.append((moment, text, count + 1))
        else:
            self._lines.append((now, text, 1))

    def clear(self) -> None:
        self._lines.clear()

    def appendix(self) -> str:
        """To stand after a message; empty when nothing was said."""
        if not self._lines:
            return ""
        lines = [
            f"{moment}: {text}" + (f" (repeated {count} times)" if count > 1 else "")
            for moment, text, count in self._lines
        ]
        return "\n\nLast Helm logs:\n\n" + "\n".join(lines)


@dataclass(frozen=True, slots=True)
class About:
    """What the events of an action are about; `chart` is `name@version`."""

    revision: str
    token: str
    app_version: str = ""
    oci_digest: str = ""

    @classmethod
    def snapshot(cls, snapshot: Snapshot) -> About:
        return cls(snapshot.chart_version, snapshot.config_digest, snapshot.app_version, snapshot.oci_digest)

    @property
    def metadata(self) -> Mapping[str, str]:
        given = {
            "revision": self.revision,
            "token": self.token,
            "app-version": self.app_version,
            "oci-digest": self.oci_digest,
        }
        return {f"{GROUP}/{key}": value for key, value in given.items() if value}


def tell(report: Report, kind: EventType, reason: str, message: str, about: About | None) -> None:
    report.tell(kind, reason, message, about.metadata if about is not None else None)


def release_failed(hr: HelmRelease, verb: str, chart: str, problem: str) -> str:
    name = f"{hr.release_namespace}/{hr.release_name}"
    return f"Helm {verb} failed for release {name} with chart {chart}: {problem}"


def succeeded(verb: str, snapshot: Snapshot) -> str:
    return f"Helm {verb} succeeded for release {snapshot.full_name} with chart {snapshot.chart}"


def failed(verb: str, snapshot: Snapshot, problem: str) -> str:
    return f"Helm {verb} failed for release {snapshot.full_name} with chart {snapshot.chart}: {problem}"


def awaiting_tests(snapshot: Snapshot) -> str:
    return f"Helm release {snapshot.full_name} with chart {snapshot.chart} is awaiting tests"


def tests_succeeded(snapshot: Snapshot) -> str:
    count = len(snapshot.tests or {})
    words = {0: "no test hooks", 1: "1 test hook completed successfully"}
    return f"{succeeded('test', snapshot)}: {words.get(count, f'{count} test hooks completed successfully')}"


def rolled_back(previous: Snapshot, problem: str = "") -> str:
    end = f"failed: {problem}" if problem else "succeeded"
    return f"Helm rollback to previous release {previous.full_name} with chart {previous.chart} {end}"


def remediated_by_uninstall(snapshot: Snapshot, problem: str = "") -> str:
    end = f"failed: {problem}" if problem else "succeeded"
    return f"Helm uninstall remediation for release {snapshot.full_name} with chart {snapshot.chart} {end}"


def unlocked(snapshot: Snapshot, status: str, problem: str = "") -> str:
    about = f"Helm release {snapshot.full_name} with chart {snapshot.chart} in {status} state"
    return f"Unlock of {about} failed: {problem}" if problem else f"Unlocked {about}"
