"""Autoscalers, disruption budgets, priorities and leases: small kinds about numbers."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, forbidden, invalid, required, unsupported
from localcluster.objects.forms import each, not_negative
from localcluster.objects.typed import same
from localcluster.objects.validation import selectors
from localcluster.objects.validation.numbers import int_or_percent, over_hundred

Json = dict[str, Any]

_HIGHEST_USER_PRIORITY = 1_000_000_000

_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}


def autoscaler(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes: list[Cause] = []
    least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if least is not None and least < 1:
        causes.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if not most:
        causes.append(required("spec.maxReplicas", "must be set and greater than 0"))
    elif most < 1:
        causes.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if least is not None and most < least:
        causes.append(invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    causes += _target(spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    for at, metric in enumerate(spec.get("metrics") or ()):
        causes += _metric(metric, f"spec.metrics[{at}]")
    behavior = spec.get("behavior") or {}
    for name in ("scaleUp", "scaleDown"):
        causes += _scaling_rules(behavior.get(name), f"spec.behavior.{name}")
    return causes


def _target(ref: Json, field: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in ("kind", "name"):
        value = ref.get(name, "")
        causes += (
            each(f"{field}.{name}", value, forms.path_segment(value))
            if value
            else [required(f"{field}.{name}")]
        )
    version = ref.get("apiVersion", "")
    if "/" not in version and (version or ref.get("kind") != "ReplicationController"):
        detail = "apiVersion must specify API group"
        if version != "v1":
            causes.append(invalid(f"{field}.apiVersion", version, detail))
    return causes


def _metric(metric: Json, field: str) -> list[Cause]:
    kind = metric.get("type", "")
    known = sorted(_SOURCES)
    causes = [] if kind else [required(f"{field}.type", "must specify a metric source type")]
    if kind not in _SOURCES:
        causes.append(unsupported(f"{field}.type", kind, known))
    present = [
        name for name in ("object", "external", "pods", "resource", "containerResource") if metric.get(name)
    ]
    if present[:1] == ["resource"]:
        causes += _resource_metric(metric["resource"], f"{field}.resource")
    wanted = _SOURCES.get(kind, "")
    if not wanted:
        causes.append(unsupported(f"{field}.type", kind, known))
    elif wanted not in present:
        causes.append(required(f"{field}.{wanted}", "must populate information for the given metric source"))
    if len(present) != 1:
        causes += [
            forbidden(f"{field}.{name}", "must populate the given metric source only")
            for name in present
            if name != wanted
        ]
    return causes


def _resource_metric(source: Json, field: str) -> list[Cause]:
    causes = [] if source.get("name") else [required(f"{field}.name", "must specify a resource name")]
    target = source.get("target") or {}
    where = f"{field}.target"
    kind = target.get("type", "")
    if not kind:
        causes.append(required(f"{where}.type", "must specify a metric target type"))
    if kind not in {"Utilization", "Value", "AverageValue"}:
        causes.append(invalid(f"{where}.type", kind, "must be either Utilization, Value, or AverageValue"))
    utilization, average = target.get("averageUtilization"), target.get("averageValue")
    if utilization is not None and utilization < 1:
        causes.append(invalid(f"{where}.averageUtilization", utilization, "must be greater than 0"))
    if utilization is None and average is None:
        detail = "must set either a target raw value or a target utilization"
        causes.append(required(f"{where}.averageUtilization", detail))
    if utilization is not None and average is not None:
        detail = "may not set both a target raw value and a target utilization"
        causes.append(forbidden(f"{where}.averageValue", detail))
    return causes


def _scaling_rules(rules: Json | None, field: str) -> list[Cause]:
    if rules is None:
        return []
    causes = not_negative(rules.get("stabilizationWindowSeconds"), f"{field}.stabilizationWindowSeconds")
    select = rules.get("selectPolicy")
    known = ("Disabled", "Max", "Min")
    if select is not None and select not in known:
        causes.append(unsupported(f"{field}.selectPolicy", select, known))
    policies = rules.get("policies") or []
    if not policies:
        causes.append(required(f"{field}.policies", "must specify at least one Policy"))
    for at, policy in enumerate(policies):
        where = f"{field}.policies[{at}]"
        if policy.get("type") not in {"Pods", "Percent"}:
            causes.append(unsupported(f"{where}.type", policy.get("type", ""), ("Percent", "Pods")))
        if policy.get("value", 0) <= 0:
            causes.append(invalid(f"{where}.value", policy.get("value", 0), "must be greater than zero"))
        period = policy.get("periodSeconds", 0)
        if period <= 0:
            causes.append(invalid(f"{where}.periodSeconds", period, "must be greater than zero"))
        elif period > 1800:
            causes.append(invalid(f"{where}.periodSeconds", period, "must be less than or equal to 1800"))
    return causes


def disruption_budget(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes: list[Cause] = []
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        detail = "minAvailable and maxUnavailable cannot be both set"
        causes.append(invalid("spec", {k: v for k, v in spec.items() if v is not None}, detail))
    for name in ("minAvailable", "maxUnavailable"):
        if spec.get(name) is not None:
            causes += int_or_percent(spec[name], f"spec.{name}")
            causes += over_hundred(spec[name], f"spec.{name}")
    causes += selectors.label_selector(spec.get("selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    known = ("AlwaysAllow", "IfHealthyBudget")
    if policy is not None and policy not in known:
        causes.append(unsupported("spec.unhealthyPodEvictionPolicy", policy, known))
    return causes


def priority_class(obj: Json) -> list[Cause]:
    causes: list[Cause] = []
    if obj["metadata"].get("name", "").startswith("system-"):
        if obj.get("value", 0) <= _HIGHEST_USER_PRIORITY:
            detail = "priority class names with 'system-' prefix are reserved for system use only."
            causes.append(forbidden("metadata.name", detail))
    elif obj.get("value", 0) > _HIGHEST_USER_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {_HIGHEST_USER_PRIORITY}"
        causes.append(forbidden("value", detail))
    policy = obj.get("preemptionPolicy")
    known = ("Never", "PreemptLowerPriority")
    if policy is not None and policy not in known:
        causes.append(unsupported("preemptionPolicy", policy, known))
    return causes


def lease(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes: list[Cause] = []
    seconds = spec.get("leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        causes.append(invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    return causes + not_negative(spec.get("leaseTransitions"), "spec.leaseTransitions")


def priority_class_update(new: Json, old: Json) -> list[Cause]:
    causes: list[Cause] = []
    if new.get("value", 0) != old.get("value", 0):
        causes.append(forbidden("value", "may not be changed in an update."))
    if not same(new.get("preemptionPolicy"), old.get("preemptionPolicy")):
        causes.append(invalid("preemptionPolicy", new.get("preemptionPolicy"), "field is immutable"))
    return causes
