"""The status of a Deployment out of its replica sets', and when its progress deadline passes. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from localcluster.clock import now, parse, stamp
from localcluster.controllers.conditions import drop, find, put, without_empty
from localcluster.controllers.rollout import limits_of
from localcluster.store.revision import Obj

_NO_DEADLINE = 2**31 - 1
_COMPLETE = "NewReplicaSetAvailable"
_EXCEEDED = "ProgressDeadlineExceeded"
_CREATED = "NewReplicaSetCreated"


@dataclass(frozen=True, slots=True)
class Sets:
    """The replica set of the present template, if there is one, and the others, oldest first.

    `made`: the new one was made just now.
    """

    new: Obj | None
    old: list[Obj]
    made: bool = False

    @property
    def all(self) -> list[Obj]:
        return [*self.old, self.new] if self.new is not None else list(self.old)


def deployment_status(deployment: Obj, sets: Sets) -> Obj:
    before = deployment.get("status") or {}
    counts = _counts(deployment, sets)
    conditions = [dict(each) for each in before.get("conditions") or ()]
    _put_if_other(conditions, _availability(deployment, counts))
    _report_progress(deployment, sets, counts, conditions)
    _report_failure(sets, conditions)
    kept = {"collisionCount": before["collisionCount"]} if "collisionCount" in before else {}
    status = without_empty({**counts, "conditions": conditions}) | kept
    stopping = [each.get("status", {}).get("terminatingReplicas") for each in sets.all]
    status["terminatingReplicas"] = sum(each or 0 for each in stopping)
    return status


def _counts(deployment: Obj, sets: Sets) -> dict[str, int]:
    def total(name: str) -> int:
        return sum((each.get("status") or {}).get(name, 0) for each in sets.all)

    asked = sum(each["spec"]["replicas"] for each in sets.all)
    available = total("availableReplicas")
    return {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": total("replicas"),
        "updatedReplicas": (sets.new.get("status") or {}).get("replicas", 0) if sets.new else 0,
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(asked - available, 0),
    }


def _availability(deployment: Obj, counts: dict[str, int]) -> Obj:
    spec = deployment["spec"]
    rolling = (spec.get("strategy") or {}).get("rollingUpdate")
    limits = limits_of(spec.get("replicas", 1), rolling or {})
    spare = limits.unavailable if rolling is not None else 0
    if counts["availableReplicas"] >= limits.desired - spare:
        found = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        found = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return {"type": "Available", "status": found[0], "reason": found[1], "message": found[2]}


def _report_progress(deployment: Obj, sets: Sets, counts: dict[str, int], conditions: list[Obj]) -> None:
    spec = deployment["spec"]
    present = find(conditions, "Progressing")
    if not _has_deadline(spec):
        drop(conditions, "Progressing")
        return
    paused = spec.get("paused", False)
    if paused and (present is None or present["reason"] != _EXCEEDED):
        _progress(conditions, "Unknown", "DeploymentPaused", "Deployment is paused")
        return
    if present is not None and present["reason"] == "DeploymentPaused" and not paused:
        _progress(conditions, "Unknown", "DeploymentResumed", "Deployment is resumed")
        present = find(conditions, "Progressing")
    if sets.new is None:
        return
    name = f'ReplicaSet "{sets.new["metadata"]["name"]}"'
    settled = counts["replicas"] == counts["updatedReplicas"]
    if sets.made:
        new = f'Created new replica set "{sets.new["metadata"]["name"]}"'
        _progress(conditions, "True", _CREATED, new)
    elif settled and present is not None and present["reason"] == _COMPLETE:
        return
    elif _is_complete(spec, counts):
        _progress(conditions, "True", _COMPLETE, f"{name} has successfully progressed.")
    elif present is None or _has_progressed(deployment.get("status") or {}, counts):
        drop(conditions, "Progressing")
        _progress(conditions, "True", "ReplicaSetUpdated", f"{name} is progressing.")
        if present is not None and present["status"] == "True":
            conditions[-1]["lastTransitionTime"] = present["lastTransitionTime"]
    elif _seconds_left(spec, present) <= 0:
        _progress(conditions, "False", _EXCEEDED, f"{name} has timed out progressing.")


def _report_failure(sets: Sets, conditions: list[Obj]) -> None:
    """That no pods can be made for a replica set is said of its Deployment too."""
    each_status = [each.get("status") or {} for each in sets.all]
    found = (find(status.get("conditions") or [], "ReplicaFailure") for status in each_status)
    failure = next((each for each in found if each is not None), None)
    if failure is None:
        drop(conditions, "ReplicaFailure")
    else:
        told = {name: failure[name] for name in ("type", "status", "reason", "message")}
        _put_if_other(conditions, told)


def _progress(conditions: list[Obj], status: str, reason: str, message: str) -> None:
    wanted = {"type": "Progressing", "status": status, "reason": reason, "message": message}
    _put_if_other(conditions, wanted)


def _put_if_other(conditions: list[Obj], wanted: Obj) -> None:
    """A condition of the same status and reason stays as it is, times and message included."""
    before = find(conditions, wanted["type"])
    if before is None or (before["status"], before["reason"]) != (wanted["status"], wanted["reason"]):
        put(conditions, {**wanted, "lastUpdateTime": stamp()})


def _is_complete(spec: Obj, counts: dict[str, int]) -> bool:
    desired: int = spec.get("replicas", 1)
    names = ("replicas", "updatedReplicas", "availableReplicas")
    return all(counts[name] == desired for name in names)


def _has_progressed(before: Obj, counts: dict[str, int]) -> bool:
    def grew(name: str) -> bool:
        return bool(counts[name] > before.get(name, 0))

    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    fewer_old: bool = counts["replicas"] - counts["updatedReplicas"] < old_before
    return fewer_old or grew("updatedReplicas") or grew("readyReplicas") or grew("availableReplicas")


def _has_deadline(spec: Obj) -> bool:
    deadline: int = spec.get("progressDeadlineSeconds", 600)
    return deadline != _NO_DEADLINE


def _seconds_left(spec: Obj, progressing: Obj) -> float:
    since = parse(progressing.get("lastUpdateTime") or "")
    if since is None:
        return 0.0
    left: float = since.timestamp() + spec.get("progressDeadlineSeconds", 600) - now().timestamp()
    return left


def seconds_to_deadline(spec: Obj, status: Obj) -> float | None:
    """When to look again at a rollout that is under way; None where nothing would time out."""
    present = find(status.get("conditions") or [], "Progressing")
    if present is None or spec.get("paused") or present["reason"] in (_COMPLETE, _EXCEEDED):
        return None
    return max(_seconds_left(spec, present), 0.0) + 0.01
