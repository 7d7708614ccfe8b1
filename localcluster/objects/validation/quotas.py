"""Limit ranges and resource quotas."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms, quantity
from localcluster.objects.causes import Cause, duplicate, forbidden, invalid, required
from localcluster.objects.forms import each
from localcluster.objects.typed import same
from localcluster.objects.validation.containers import resource_name

Json = dict[str, Any]

_STANDARD = frozenset(
    {
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.storage",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
    }
)
_COUNTED = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
    }
)
_AMOUNTS = ("max", "min", "default", "defaultRequest")


def limit_range(obj: Json) -> list[Cause]:
    causes: list[Cause] = []
    types: set[str] = set()
    for at, limit in enumerate(obj["spec"].get("limits") or ()):
        field = f"spec.limits[{at}]"
        kind = limit.get("type", "")
        causes += each(f"{field}.type", kind, forms.qualified_name(kind))
        if kind in types:
            causes.append(duplicate(f"{field}.type", kind))
        types.add(kind)
        causes += _limit(limit, kind, field)
    return causes


def _limit(limit: Json, kind: str, field: str) -> list[Cause]:
    causes: list[Cause] = []
    for name in (*_AMOUNTS, "maxLimitRequestRatio"):
        if kind == "Pod" and name in {"default", "defaultRequest"}:
            if limit.get(name):
                causes.append(forbidden(f"{field}.{name}", "may not be specified when `type` is 'Pod'"))
            continue
        for resource in limit.get(name) or {}:
            where = f"{field}.{name}[{resource}]"
            in_container = kind in {"Pod", "Container"}
            causes += (
                resource_name(resource, where)
                if in_container
                else each(where, resource, forms.qualified_name(resource))
            )
    if kind == "PersistentVolumeClaim" and not any("storage" in (limit.get(n) or {}) for n in ("min", "max")):
        detail = "either minimum or maximum storage value is required, but neither was provided"
        causes.append(required(f"{field}.limits", detail))
    resources = sorted({key for name in _AMOUNTS for key in limit.get(name) or {}})
    for resource in resources:
        causes += _compare(limit, resource, field)
    return causes


def _compare(limit: Json, resource: str, field: str) -> list[Cause]:
    """Smallest, default request, default and largest amount must be in that order."""
    words = {
        "min": "min value",
        "max": "max value",
        "default": "default value",
        "defaultRequest": "default request value",
    }
    pairs = (
        ("min", "max", "min"),
        ("min", "defaultRequest", "defaultRequest"),
        ("defaultRequest", "max", "defaultRequest"),
        ("defaultRequest", "default", "defaultRequest"),
        ("min", "default", "default"),
        ("default", "max", "default"),
    )
    causes: list[Cause] = []
    for lower, upper, blamed in pairs:
        low, high = (limit.get(lower) or {}).get(resource), (limit.get(upper) or {}).get(resource)
        if low is None or high is None or quantity.parse(low).value <= quantity.parse(high).value:
            continue
        named = "default limit value" if (lower, upper) == ("defaultRequest", "default") else words[upper]
        shown = {"min": low, "defaultRequest": limit.get("defaultRequest", {}).get(resource)}
        value = shown.get(blamed, low if lower == "min" else high)
        detail = f"{words[lower]} {low} is greater than {named} {high}"
        causes.append(invalid(f"{field}.{blamed}[{resource}]", value, detail))
    return causes


def resource_quota(obj: Json) -> list[Cause]:
    causes: list[Cause] = []
    for name, amount in (obj["spec"].get("hard") or {}).items():
        field = f"spec.hard[{name}]"
        causes += each(field, name, forms.qualified_name(name))
        if "/" not in name and name not in _STANDARD:
            causes.append(invalid(field, name, "must be a standard resource for quota"))
        value = quantity.parse(amount).value
        if value < 0:
            causes.append(invalid(field, amount, "must be greater than or equal to 0"))
        if name in _COUNTED and value.denominator != 1:
            causes.append(invalid(field, amount, "must be an integer"))
    return causes


def resource_quota_update(new: Json, old: Json) -> list[Cause]:
    now, was = new["spec"].get("scopes") or [], old["spec"].get("scopes") or []
    if same(sorted(now), sorted(was)):
        return []
    return [invalid("spec.scopes", now, "field is immutable")]
