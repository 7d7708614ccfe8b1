"""Health of what runs pods: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, Pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.logic.kstatus.fields import condition, field, has_condition, integer, objects, text
from shared.logic.kstatus.health import Assessment, current, failed, in_progress
from shared.model.meta import parse_time

_NO_DEADLINE = 2**31 - 1
_REVISION = "deployment.kubernetes.io/revision"
_POD_TEMPLATE = "pod-template-hash"
_POD_REVISION = "controller-revision-hash"
_MAY_BE_UNSCHEDULABLE = timedelta(seconds=15)


def _first_shortfall(*checks: tuple[str, int, int]) -> Assessment | None:
    """The first (label, has, needs) where too few are there."""
    for label, has, needs in checks:
        if has < needs:
            return in_progress(f"{label}: {has}/{needs}")
    return None


def deployment(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    progress = condition(obj, "Progressing")
    if progress is not None and progress.get("reason") == "ProgressDeadlineExceeded":
        return failed("Progress deadline exceeded")
    wanted = integer(obj, "spec", "replicas", default=1)
    replicas = integer(obj, "status", "replicas")
    updated = integer(obj, "status", "updatedReplicas")
    available = integer(obj, "status", "availableReplicas")
    short = _first_shortfall(("Replicas", replicas, wanted), ("Updated", updated, wanted))
    if short is not None:
        return short
    if replicas > wanted:
        return in_progress(f"Pending termination: {replicas - wanted}")
    short = _first_shortfall(
        ("Available", available, updated), ("Ready", integer(obj, "status", "readyReplicas"), wanted)
    )
    if short is not None:
        return short
    if _has_deadline(obj) and (progress is None or progress.get("reason") != "NewReplicaSetAvailable"):
        return in_progress("ReplicaSet not Available")
    if not has_condition(obj, "Available"):
        return in_progress("Deployment not Available")
    return current(f"Deployment is available. Replicas: {replicas}")


def _has_deadline(obj: Mapping[str, Any]) -> bool:
    return integer(obj, "spec", "progressDeadlineSeconds", default=_NO_DEADLINE) != _NO_DEADLINE


def stateful_set(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    if text(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return current("StatefulSet is using the ondelete update strategy")
    wanted = integer(obj, "spec", "replicas", default=1)
    replicas = integer(obj, "status", "replicas")
    short = _first_shortfall(
        ("Replicas", replicas, wanted), ("Ready", integer(obj, "status", "readyReplicas"), wanted)
    )
    if short is not None:
        return short
    if replicas > wanted:
        return in_progress(f"Pending termination: {replicas - wanted}")
    partition = integer(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
    updated, to_update = integer(obj, "status", "updatedReplicas"), max(wanted - partition, 0)
    if updated < to_update:
        return in_progress(f"updated: {updated}/{to_update}")
    if partition > 0:
        return current(f"Partition rollout complete. updated: {updated}")
    short = _first_shortfall(("current", integer(obj, "status", "currentReplicas"), wanted))
    if short is not None:
        return short
    if text(obj, "status", "currentRevision") != text(obj, "status", "updateRevision"):
        return in_progress("Waiting for updated revision to match current")
    return current(f"All replicas scheduled as expected. Replicas: {replicas}")


def daemon_set(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    if integer(obj, "status", "observedGeneration", default=-1) == -1:
        return in_progress("Missing .status.observedGeneration")
    wanted = integer(obj, "status", "desiredNumberScheduled", default=-1)
    if wanted == -1:
        return in_progress("Missing .status.desiredNumberScheduled")
    short = _first_shortfall(
        ("Current", integer(obj, "status", "currentNumberScheduled"), wanted),
        ("Updated", integer(obj, "status", "updatedNumberScheduled"), wanted),
        ("Available", integer(obj, "status", "numberAvailable"), wanted),
        ("Ready", integer(obj, "status", "numberReady"), wanted),
    )
    return short or current(f"All replicas scheduled as expected. Replicas: {wanted}")


def replica_set(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    if has_condition(obj, "ReplicaFailure"):
        return in_progress("Replica Failure condition. Check Pods")
    wanted = integer(obj, "spec", "replicas", default=1)
    replicas = integer(obj, "status", "replicas")
    short = _first_shortfall(
        ("Labelled", integer(obj, "status", "fullyLabeledReplicas"), wanted),
        ("Available", integer(obj, "status", "availableReplicas"), wanted),
        ("Ready", integer(obj, "status", "readyReplicas"), wanted),
    )
    if short is not None:
        return short
    if replicas > wanted:
        return in_progress(f"Pending termination: {replicas - wanted}")
    return current(f"ReplicaSet is available. Replicas: {replicas}")


def job(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    """A Job is Current when it is complete, not when it has started (specs/runtime.md 9.3)."""
    if field(obj, "spec", "suspend") is True:
        return current("Job is suspended")
    parallelism = integer(obj, "spec", "parallelism", default=1)
    completions = integer(obj, "spec", "completions", default=parallelism)
    active, succeeded, lost = (integer(obj, "status", key) for key in ("active", "succeeded", "failed"))
    if has_condition(obj, "Complete"):
        return current(f"Job Completed. succeeded: {succeeded}/{completions}")
    if has_condition(obj, "Failed"):
        return failed(f"Job Failed. failed: {lost}/{completions}")
    if not text(obj, "status", "startTime"):
        return in_progress(f"Job not started. active: {active}/{completions}")
    return in_progress(f"Job in progress. success:{succeeded}, active: {active}, failed: {lost}")


def pod(obj: Mapping[str, Any], now: datetime) -> Assessment:
    match text(obj, "status", "phase"):
        case "Succeeded":
            return current("Pod has completed successfully")
        case "Failed":
            return current("Pod has completed, but not successfully")
        case "Running":
            return _running_pod(obj)
        case "Pending":
            return _pending_pod(obj, now)
        case _:
            return in_progress("Pod phase not available")


def _running_pod(obj: Mapping[str, Any]) -> Assessment:
    if has_condition(obj, "Ready"):
        return current("Pod is Ready")
    crashing = [
        text(container, "name")
        for container in objects(obj, "status", "containerStatuses")
        if text(container, "state", "waiting", "reason") == "CrashLoopBackOff"
    ]
    if crashing:
        return failed(f"Containers in CrashLoop state: {','.join(crashing)}")
    return in_progress("Pod is running but is not Ready")


def _pending_pod(obj: Mapping[str, Any], now: datetime) -> Assessment:
    scheduled = condition(obj, "PodScheduled")
    if scheduled is None or scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return in_progress("Pod is in the Pending phase")
    if now - parse_time(text(scheduled, "lastTransitionTime")) < _MAY_BE_UNSCHEDULABLE:
        return in_progress("Pod has not been scheduled")
    return failed("Pod could not be scheduled")


def with_pods(own: Assessment, pods: Iterable[Mapping[str, Any]], now: datetime) -> Assessment:
    """A workload on its way fails with its first failed pod; pods that are going do not count."""
    for item in pods:
        if field(item, "metadata", "deletionTimestamp"):
            continue
        verdict = pod(item, now)
        if verdict.is_failed:
            return failed(f"{verdict.message} (Pod {text(item, 'metadata', 'name')}), {own.message}")
    return own


def of_newest_revision(
    workload: Mapping[str, Any],
    pods: Iterable[Mapping[str, Any]],
    replica_sets: Iterable[Mapping[str, Any]] = (),
) -> list[Mapping[str, Any]]:
    """The pods of what is being rolled out now: those of a bad revision must not fail its remedy.

    All pods when it cannot be told. `replica_sets` are the Deployment's; their metadata is enough.
    """
    newest = text(workload, "status", "updateRevision")
    label = _POD_REVISION
    revision = text(workload, "metadata", "annotations", _REVISION)
    if revision:
        label = _POD_TEMPLATE
        newest = next(
            (
                text(item, "metadata", "labels", _POD_TEMPLATE)
                for item in replica_sets
                if text(item, "metadata", "annotations", _REVISION) == revision
            ),
            "",
        )
    return [item for item in pods if not newest or text(item, "metadata", "labels", label) == newest]
