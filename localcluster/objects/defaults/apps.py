"""Defaults of workloads."""

from __future__ import annotations

from typing import Any

from localcluster.objects.prepared.daemonsets import TEMPLATE_GENERATION

Json = dict[str, Any]
_APPS = "io.k8s.api.apps.v1."


def _deployment(value: Json) -> None:
    spec = value["spec"]
    spec.setdefault("replicas", 1)
    strategy = spec["strategy"]
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def _daemon_set(value: Json) -> None:
    annotations = value["metadata"].setdefault("annotations", {})
    annotations.setdefault(TEMPLATE_GENERATION, "0")
    strategy = value["spec"]["updateStrategy"]
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    value["spec"].setdefault("revisionHistoryLimit", 10)


def _stateful_set(value: Json) -> None:
    spec = value["spec"]
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec["updateStrategy"]
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        strategy["rollingUpdate"].setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")


def _replica_set(value: Json) -> None:
    value["spec"].setdefault("replicas", 1)


RULES = {
    _APPS + "Deployment": _deployment,
    _APPS + "DaemonSet": _daemon_set,
    _APPS + "StatefulSet": _stateful_set,
    _APPS + "ReplicaSet": _replica_set,
}
