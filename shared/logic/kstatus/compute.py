"""The health of any object, from the object alone (specs/kustomize.md 11.3).

First what holds for all kinds, then the rule of the kind, then the Ready condition; what has none of
these is Current as soon as it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.logic.kstatus import workloads
from shared.logic.kstatus.fields import condition, field, has_condition, integer, text
from shared.logic.kstatus.health import Assessment, Health, current, failed, in_progress
from shared.model.meta import GroupKind

Rule = Callable[[Mapping[str, Any], datetime], Assessment]


def assess(obj: Mapping[str, Any], now: datetime) -> Assessment:
    """`now` is aware; only a Pod's health depends on it."""
    common = _common(obj)
    if common is not None:
        return common
    kind = text(obj, "kind")
    rule = _RULES.get(GroupKind(text(obj, "apiVersion").rpartition("/")[0], kind))
    return rule(obj, now) if rule is not None else _by_ready_condition(obj)


def _common(obj: Mapping[str, Any]) -> Assessment | None:
    if field(obj, "metadata", "deletionTimestamp"):
        return Assessment(Health.TERMINATING, "Resource scheduled for deletion")
    generation = integer(obj, "metadata", "generation")
    observed = integer(obj, "status", "observedGeneration", default=-(2**63))
    if observed not in (-(2**63), generation):
        return in_progress(
            f"{text(obj, 'kind')} generation is {generation}, but latest observed generation is {observed}"
        )
    reconciling = condition(obj, "Reconciling")
    if reconciling is not None and reconciling.get("status") == "True":
        return in_progress(text(reconciling, "message"))
    stalled = condition(obj, "Stalled")
    if stalled is not None and stalled.get("status") == "True":
        return failed(text(stalled, "message"))
    return None


def _by_ready_condition(obj: Mapping[str, Any]) -> Assessment:
    ready = condition(obj, "Ready")
    if ready is None:
        return current("Resource is current")
    if ready.get("status") == "True":
        return current("Resource is Ready")
    return in_progress(text(ready, "message") or "Resource is not Ready")


def _service(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    kind = text(obj, "spec", "type")
    if kind == "LoadBalancer" and not text(obj, "spec", "clusterIP"):
        return in_progress("ClusterIP not set. Service type: LoadBalancer")
    return current("Service is ready")


def _claim(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    phase = text(obj, "status", "phase") or "unknown"
    return current("PVC is Bound") if phase == "Bound" else in_progress(f"PVC is not Bound. phase: {phase}")


def _definition(obj: Mapping[str, Any], _now: datetime) -> Assessment:
    names, established = condition(obj, "NamesAccepted"), condition(obj, "Established")
    if names is not None and names.get("status") == "False":
        return failed(text(names, "message") or "Names are not accepted")
    if has_condition(obj, "Established"):
        return current("CRD is established")
    if established is not None and established.get("status") == "False":
        reason = text(established, "reason")
        if reason != "Installing":
            return failed(text(established, "message") or f"CRD is not established: {reason}")
    return in_progress("Install in progress")


def _always(_obj: Mapping[str, Any], _now: datetime) -> Assessment:
    return current("Resource is always ready")


_RULES: Mapping[GroupKind, Rule] = {
    GroupKind("", "ConfigMap"): _always,
    GroupKind("", "Secret"): _always,
    GroupKind("", "Service"): _service,
    GroupKind("", "Pod"): workloads.pod,
    GroupKind("", "PersistentVolumeClaim"): _claim,
    GroupKind("apps", "Deployment"): workloads.deployment,
    GroupKind("apps", "StatefulSet"): workloads.stateful_set,
    GroupKind("apps", "DaemonSet"): workloads.daemon_set,
    GroupKind("apps", "ReplicaSet"): workloads.replica_set,
    GroupKind("batch", "Job"): workloads.job,
    GroupKind("batch", "CronJob"): _always,
    GroupKind("policy", "PodDisruptionBudget"): _always,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}

_RBAC = "rbac.authorization.k8s.io"

# Kinds without a status: to know that they exist, and are not being deleted, is enough.
STATUSLESS = frozenset(
    {
        GroupKind("", "ConfigMap"),
        GroupKind("", "Secret"),
        GroupKind("", "ServiceAccount"),
        GroupKind("", "LimitRange"),
        GroupKind(_RBAC, "Role"),
        GroupKind(_RBAC, "RoleBinding"),
        GroupKind(_RBAC, "ClusterRole"),
        GroupKind(_RBAC, "ClusterRoleBinding"),
        GroupKind("storage.k8s.io", "StorageClass"),
        GroupKind("scheduling.k8s.io", "PriorityClass"),
        GroupKind("node.k8s.io", "RuntimeClass"),
        GroupKind("networking.k8s.io", "IngressClass"),
        GroupKind("networking.k8s.io", "NetworkPolicy"),
    }
)

# The workloads whose pods tell of a failure before their own status does.
SELECTS_PODS = frozenset(
    {GroupKind("apps", "Deployment"), GroupKind("apps", "StatefulSet"), GroupKind("apps", "ReplicaSet")}
)
