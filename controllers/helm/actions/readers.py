"""How the objects of a release are judged while an action waits (specs/helm.md 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.kube.health import StatusReader
from shared.logic.kstatus.fields import condition, field, has_condition, text
from shared.logic.kstatus.health import Assessment, current, failed, in_progress
from shared.model.meta import GroupKind, Object

JOB = GroupKind("batch", "Job")
POD = GroupKind("", "Pod")
_DEPLOYMENT = GroupKind("apps", "Deployment")


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first reader that has an opinion is right."""

    readers: Sequence[StatusReader]

    def judges(self, kind: GroupKind) -> bool:
        return any(reader.judges(kind) for reader in self.readers)

    def assess(self, obj: Object) -> Assessment | None:
        found = (reader.assess(obj) for reader in self.readers)
        return next((assessment for assessment in found if assessment is not None), None)


class StartedJobs:
    """A Job is good once it has started: `disableWaitForJobs`."""

    def judges(self, kind: GroupKind) -> bool:
        return kind == JOB

    def assess(self, obj: Object) -> Assessment | None:
        if (
            not self.judges(kind_of(obj))
            or has_condition(obj, "Failed")
            or not text(obj, "status", "startTime")
        ):
            return None
        return current("Job in progress")


class FinishedHooks:
    """Hooks are awaited to their end: a Job until it is complete, a Pod until it has succeeded."""

    def judges(self, kind: GroupKind) -> bool:
        return kind in (JOB, POD)

    def assess(self, obj: Object) -> Assessment | None:
        if not self.judges(kind_of(obj)):
            return None
        return _job(obj) if kind_of(obj) == JOB else _pod(obj)


def reader_for_objects(given: StatusReader | None, *, jobs: bool) -> StatusReader | None:
    """`given` are the users' own expressions, which come first."""
    readers = [reader for reader in (given, None if jobs else StartedJobs()) if reader is not None]
    return FirstOf(readers) if readers else None


def reader_for_hooks(given: StatusReader | None) -> StatusReader:
    return FirstOf([reader for reader in (given, FinishedHooks()) if reader is not None])


def is_paused(obj: Object) -> bool:
    """A paused Deployment never becomes ready, and that is what was asked for."""
    return kind_of(obj) == _DEPLOYMENT and field(obj, "spec", "paused") is True


def expires(obj: Object) -> bool:
    """A Job that removes itself: when it is gone, it is done."""
    return kind_of(obj) == JOB and field(obj, "spec", "ttlSecondsAfterFinished") is not None


def kind_of(obj: Object) -> GroupKind:
    return GroupKind(text(obj, "apiVersion").rpartition("/")[0], text(obj, "kind"))


def _job(obj: Object) -> Assessment:
    if has_condition(obj, "Complete"):
        return current("Job completed")
    problem = condition(obj, "Failed")
    if problem is not None and problem.get("status") == "True":
        return failed(_told(text(problem, "reason"), text(problem, "message")) or "Job failed")
    return in_progress("Job is running")


def _pod(obj: Object) -> Assessment:
    phase = text(obj, "status", "phase")
    if phase == "Succeeded":
        return current("Pod succeeded")
    if phase == "Failed":
        return failed(_told(text(obj, "status", "reason"), text(obj, "status", "message")) or "Pod failed")
    return in_progress(f"Pod is {phase.lower() or 'not started'}")


def _told(reason: str, message: str) -> str:
    return ": ".join(part for part in (reason, message) if part)
