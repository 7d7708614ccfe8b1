"""Defaults of horizontal pod autoscalers."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_CPU_UTILIZATION = 80


def _v1(value: Json) -> None:
    value["spec"].setdefault("minReplicas", 1)
    value["spec"].setdefault("targetCPUUtilizationPercentage", _CPU_UTILIZATION)


def _v2(value: Json) -> None:
    spec = value["spec"]
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": _CPU_UTILIZATION}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        up = behavior.setdefault("scaleUp", {})
        up.setdefault("stabilizationWindowSeconds", 0)
        _fill(up, [_policy("Pods", 4), _policy("Percent", 100)])
        _fill(behavior.setdefault("scaleDown", {}), [_policy("Percent", 100)])


def _fill(rules: Json, policies: list[Json]) -> None:
    rules.setdefault("selectPolicy", "Max")
    if not rules.get("policies"):
        rules["policies"] = policies


def _policy(kind: str, value: int) -> Json:
    return {"type": kind, "value": value, "periodSeconds": 15}


RULES = {
    "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler": _v1,
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler": _v2,
}
