"""HorizontalPodAutoscalers: kept as autoscaling/v2, shown as v1 too.

Version 1 knows one target, the CPU; whatever else there is travels in annotations, so that nothing is lost
when a v1 client writes back what it has read.
"""

from __future__ import annotations

from typing import Any

import orjson

from localcluster.store.revision import Obj

_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"


def to_v2(scaler: Obj) -> Obj:
    spec = dict(scaler["spec"])
    metadata = dict(scaler["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    cpu = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_cpu_metric(cpu)] if cpu is not None else []
    metrics += _taken(annotations, _METRICS) or []
    if metrics:
        spec["metrics"] = metrics
    behavior = _taken(annotations, _BEHAVIOR)
    if behavior:
        spec["behavior"] = behavior
    status = {
        key: value for key, value in (scaler.get("status") or {}).items() if not key.startswith("currentCPU")
    }
    conditions = _taken(annotations, _CONDITIONS)
    if conditions:
        status["conditions"] = conditions
    return _made(scaler, "autoscaling/v2", _annotated(metadata, annotations), spec, status)


def to_v1(scaler: Obj) -> Obj:
    spec = dict(scaler["spec"])
    metadata = dict(scaler["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    rest = []
    for metric in spec.pop("metrics", None) or ():
        utilization = _cpu_utilization(metric)
        if utilization is not None and "targetCPUUtilizationPercentage" not in spec:
            spec["targetCPUUtilizationPercentage"] = utilization
        else:
            rest.append(metric)
    status = dict(scaler.get("status") or {})
    status.pop("currentMetrics", None)
    for key, value in (
        (_METRICS, rest),
        (_BEHAVIOR, spec.pop("behavior", None)),
        (_CONDITIONS, status.pop("conditions", None)),
    ):
        if value:
            annotations[key] = orjson.dumps(value).decode()
    return _made(scaler, "autoscaling/v1", _annotated(metadata, annotations), spec, status)


def _made(scaler: Obj, api_version: str, metadata: Obj, spec: Obj, status: Obj) -> Obj:
    return {**scaler, "apiVersion": api_version, "metadata": metadata, "spec": spec, "status": status}


def _cpu_metric(utilization: int) -> Obj:
    target = {"type": "Utilization", "averageUtilization": utilization}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _cpu_utilization(metric: Obj) -> Any:
    resource = metric.get("resource") or {}
    if metric["type"] != "Resource" or resource.get("name") != "cpu":
        return None
    return (resource.get("target") or {}).get("averageUtilization")


def _taken(annotations: dict[str, str], key: str) -> Any:
    """What an annotation carries; a broken one, which only a client can have written, stays where it is."""
    text = annotations.get(key)
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    del annotations[key]
    return value


def _annotated(metadata: Obj, annotations: dict[str, str]) -> Obj:
    kept = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**kept, "annotations": annotations} if annotations else kept
