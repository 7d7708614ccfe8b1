"""What a Job needs next and how its status says so. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from localcluster.clock import now, parse, stamp
from localcluster.controllers.conditions import find, put, without_empty
from localcluster.controllers.pod_facts import PodFacts
from localcluster.store.revision import Obj

_REACHED = "Reached expected number of succeeded pods"


@dataclass(frozen=True, slots=True)
class Tally:
    """The pods of a Job: those there are, and how many ended well or badly, also of those deleted since."""

    pods: Sequence[PodFacts]
    succeeded: int
    failed: int

    @property
    def active(self) -> list[PodFacts]:
        return [pod for pod in self.pods if pod.active]

    @property
    def terminating(self) -> int:
        return sum(pod.terminating and not pod.ended for pod in self.pods)

    @property
    def done_indexes(self) -> set[int]:
        return {
            int(pod.completion_index)
            for pod in self.pods
            if pod.phase == "Succeeded" and pod.completion_index.isdigit()
        }


@dataclass(frozen=True, slots=True)
class End:
    """How a Job ends: the condition that announces it, then the final one, with a reason and a message."""

    announced: str
    final: str
    reason: str
    message: str


_COMPLETE = End("SuccessCriteriaMet", "Complete", "CompletionsReached", _REACHED)
_BACK_OFF = End(
    "FailureTarget", "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
)
_DEADLINE = End(
    "FailureTarget", "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
)


def end_of(job: Obj, tally: Tally) -> End | None:
    """How the Job has ended, or None while it goes on. What was announced before stands."""
    conditions = (job.get("status") or {}).get("conditions") or []
    for kind in ("SuccessCriteriaMet", "FailureTarget"):
        announced = find(conditions, kind)
        if announced is not None and announced["status"] == "True":
            final = "Complete" if kind == "SuccessCriteriaMet" else "Failed"
            return End(kind, final, announced["reason"], announced["message"])
    if _is_complete(job["spec"], tally):
        return _COMPLETE
    if job["spec"].get("suspend"):
        return None
    if _is_past_back_off(job["spec"], tally):
        return _BACK_OFF
    left = seconds_to_deadline(job)
    return _DEADLINE if left is not None and left <= 0 else None


def _is_complete(spec: Obj, tally: Tally) -> bool:
    completions = spec.get("completions")
    if completions is None:
        return tally.succeeded > 0 and not tally.active
    wanted: int = completions
    if spec.get("completionMode") == "Indexed":
        return len([index for index in tally.done_indexes if index < wanted]) >= wanted
    return tally.succeeded >= wanted


def _is_past_back_off(spec: Obj, tally: Tally) -> bool:
    limit = spec.get("backoffLimit", 6)
    if tally.failed > limit:
        return True
    if spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(pod.restarts for pod in tally.active)
    return bool(restarts > 0 if limit == 0 else restarts >= limit)


def seconds_to_deadline(job: Obj) -> float | None:
    deadline = job["spec"].get("activeDeadlineSeconds")
    begun = parse((job.get("status") or {}).get("startTime") or "")
    if deadline is None or begun is None:
        return None
    left: float = begun.timestamp() + deadline - now().timestamp()
    return left


def missing_pods(spec: Obj, tally: Tally) -> int:
    """How many pods to start now; negative for how many to stop."""
    parallelism: int = spec.get("parallelism", 1)
    active = len(tally.active)
    completions = spec.get("completions")
    if completions is None:
        wanted = active if tally.succeeded else parallelism
    elif spec.get("completionMode") == "Indexed":
        wanted = min(parallelism, completions - len(tally.done_indexes))
    else:
        wanted = min(parallelism, completions - tally.succeeded)
    return max(wanted, 0) - active


def free_indexes(spec: Obj, tally: Tally) -> list[int]:
    """Completion indexes that neither are done nor have a pod, lowest first."""
    taken = tally.done_indexes
    taken |= {int(pod.completion_index) for pod in tally.active if pod.completion_index.isdigit()}
    return [index for index in range(spec.get("completions") or 0) if index not in taken]


def is_finished(job: Obj) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)


def job_status(job: Obj, tally: Tally, end: End | None) -> Obj:
    before = job.get("status") or {}
    suspended = bool(job["spec"].get("suspend"))
    conditions = [dict(each) for each in before.get("conditions") or ()]
    _report_suspension(conditions, suspended=suspended and end is None)
    status = without_empty(
        {
            "active": len(tally.active),
            "succeeded": tally.succeeded,
            "failed": tally.failed,
            "completedIndexes": _as_ranges(tally.done_indexes),
        }
    )
    status |= {
        "terminating": tally.terminating,
        "ready": sum(pod.ready for pod in tally.active),
        "uncountedTerminatedPods": {},
    }
    if not suspended or end is not None:
        status["startTime"] = before.get("startTime") or stamp()
    if end is not None:
        _put(conditions, end.announced, end)
        if not tally.active and not tally.terminating:
            _put(conditions, end.final, end)
            if end.final == "Complete":
                status["completionTime"] = before.get("completionTime") or stamp()
    if conditions:
        status["conditions"] = conditions
    return status


def _put(conditions: list[Obj], kind: str, end: End) -> None:
    if find(conditions, kind) is None:
        wanted = {"type": kind, "status": "True", "reason": end.reason, "message": end.message}
        put(conditions, {**wanted, "lastProbeTime": stamp()})


def _report_suspension(conditions: list[Obj], *, suspended: bool) -> None:
    present = find(conditions, "Suspended")
    was = present is not None and present["status"] == "True"
    if suspended == was:
        return
    reason, message = ("JobSuspended", "Job suspended") if suspended else ("JobResumed", "Job resumed")
    status = "True" if suspended else "False"
    wanted = {"type": "Suspended", "status": status, "reason": reason, "message": message}
    put(conditions, {**wanted, "lastProbeTime": stamp()})


def _as_ranges(indexes: Collection[int]) -> str:
    """`0-2,5`."""
    found: list[list[int]] = []
    for index in sorted(indexes):
        if found and found[-1][1] == index - 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in found)
