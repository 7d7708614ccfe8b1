"""HorizontalPodAutoscalers: replicas kept within their bounds; load is always just what was asked for."""

from __future__ import annotations

from localcluster.clock import stamp
from localcluster.cluster import Cluster
from localcluster.controllers.access import (
    DEPLOYMENT,
    POD_AUTOSCALER,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
    Access,
    Kind,
)
from localcluster.controllers.conditions import drop, put
from localcluster.housekeeping.worklist import Worklist
from localcluster.store.revision import Change, Key, Obj

_SCALED = {kind.name: kind for kind in (DEPLOYMENT, REPLICA_SET, REPLICATION_CONTROLLER, STATEFUL_SET)}


class Autoscalers:
    """Scales the built-in kinds; for a target of any other kind it says that it cannot."""

    def __init__(self, cluster: Cluster) -> None:
        self._access = Access(cluster)
        self._targets: dict[tuple[str, str, str], dict[Key, None]] = {}
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._access.listen(POD_AUTOSCALER, self._hear)
        for kind in _SCALED.values():
            self._access.listen(kind, lambda change, kind=kind: self._target_changed(kind, change))  # type: ignore[misc]
        for revision in self._access.snapshot(POD_AUTOSCALER):
            self.worklist.add(revision.key)
        self.worklist.start()

    def _hear(self, change: Change) -> None:
        if change.after is not None:
            self.worklist.add(change.key)
            return
        for keys in self._targets.values():
            keys.pop(change.key, None)

    def _target_changed(self, kind: Kind, change: Change) -> None:
        for key in self._targets.get((kind.name, *change.key), ()):
            self.worklist.add(key)

    def reconcile(self, key: Key) -> None:
        scaler = self._access.get(POD_AUTOSCALER, key)
        if scaler is None or "deletionTimestamp" in scaler["metadata"]:
            return
        reference = scaler["spec"]["scaleTargetRef"]
        kind = _SCALED.get(reference["kind"])
        self._targets.setdefault((reference["kind"], key[0], reference["name"]), {})[key] = None
        target = self._access.get(kind, (key[0], reference["name"])) if kind else None
        if kind is None or target is None:
            self._access.write_status(POD_AUTOSCALER, scaler, _without_target(scaler, reference))
            return
        present: int = target["spec"].get("replicas", 1)
        desired = _within(scaler["spec"], present)
        if desired != present:
            self._access.change(
                kind, (key[0], reference["name"]), lambda obj: obj["spec"].update(replicas=desired)
            )
        status = _status(scaler, (target.get("status") or {}).get("replicas", 0), present, desired)
        self._access.write_status(POD_AUTOSCALER, scaler, status)


def _within(spec: Obj, present: int) -> int:
    """Scaling is off for a target of no replicas."""
    if present == 0:
        return 0
    least: int = spec.get("minReplicas") or 1
    most: int = spec["maxReplicas"]
    return max(least, min(present, most))


def _without_target(scaler: Obj, reference: Obj) -> Obj:
    status = dict(scaler.get("status") or {})
    conditions = [dict(each) for each in status.get("conditions") or ()]
    name = f'{reference["kind"]} "{reference["name"]}"'
    message = f"the HPA controller was unable to get the target's current scale: {name} not found"
    _set(conditions, "AbleToScale", "False", ("FailedGetScale", message))
    return {"currentMetrics": None, "currentReplicas": 0, "desiredReplicas": 0, **status} | {
        "conditions": conditions
    }


def _status(scaler: Obj, actual: int, present: int, desired: int) -> Obj:
    before = scaler.get("status") or {}
    conditions = [dict(each) for each in before.get("conditions") or ()]
    if present != desired:
        message = f"the HPA controller was able to update the target scale to {desired}"
        _set(conditions, "AbleToScale", "True", ("SucceededRescale", message))
    else:
        message = "recommended size matches current size"
        _set(conditions, "AbleToScale", "True", ("ReadyForNewScale", message))
    if present == 0:
        message = "scaling is disabled since the replica count of the target is zero"
        _set(conditions, "ScalingActive", "False", ("ScalingDisabled", message))
        drop(conditions, "ScalingLimited")
    else:
        message = "the HPA was able to successfully calculate a replica count from the metrics"
        _set(conditions, "ScalingActive", "True", ("ValidMetricFound", message))
        _set(conditions, "ScalingLimited", *_limit(scaler["spec"], present))
    status: Obj = {
        "currentReplicas": actual,
        "desiredReplicas": desired,
        "currentMetrics": [
            found for metric in scaler["spec"].get("metrics") or () if (found := _metric(metric))
        ]
        or None,
        "conditions": conditions,
    }
    if present != desired:
        status["lastScaleTime"] = stamp()
    elif "lastScaleTime" in before:
        status["lastScaleTime"] = before["lastScaleTime"]
    return status


def _limit(spec: Obj, present: int) -> tuple[str, tuple[str, str]]:
    if present < (spec.get("minReplicas") or 1):
        return "True", ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
    if present > spec["maxReplicas"]:
        return "True", ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
    return "False", ("DesiredWithinRange", "the desired count is within the acceptable range")


def _metric(metric: Obj) -> Obj | None:
    """What a metric reads: its target, so that there is nothing to scale for."""
    if metric["type"] != "Resource":
        return None
    target = metric["resource"]["target"]
    current: Obj = {"averageValue": target.get("averageValue", "100m")}
    if "averageUtilization" in target:
        current["averageUtilization"] = target["averageUtilization"]
    return {"type": "Resource", "resource": {"name": metric["resource"]["name"], "current": current}}


def _set(conditions: list[Obj], kind: str, status: str, why: tuple[str, str]) -> None:
    put(conditions, {"type": kind, "status": status, "reason": why[0], "message": why[1]})
