"""Deployments, replica sets, stateful sets and daemon sets."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, forbidden, invalid, required, unsupported
from localcluster.objects.forms import each, not_negative
from localcluster.objects.typed import same
from localcluster.objects.validation import selectors
from localcluster.objects.validation.numbers import int_or_percent, is_zero, over_hundred
from localcluster.objects.validation.pods import template

Json = dict[str, Any]

_STATEFUL_RULE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_STATEFUL_CHANGEABLE = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}


def deployment(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes = not_negative(spec.get("replicas"), "spec.replicas")
    causes += _selector(spec, "deployment")
    causes += _template(spec)
    causes += _strategy(spec.get("strategy") or {})
    causes += not_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    causes += not_negative(spec.get("revisionHistoryLimit"), "spec.revisionHistoryLimit")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        causes += not_negative(deadline, "spec.progressDeadlineSeconds")
        if deadline <= spec.get("minReadySeconds", 0):
            detail = "must be greater than minReadySeconds"
            causes.append(invalid("spec.progressDeadlineSeconds", deadline, detail))
    return causes


def _selector(spec: Json, kind: str) -> list[Cause]:
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")]
    causes = selectors.label_selector(selector, "spec.selector")
    if selectors.is_empty(selector):
        causes.append(invalid("spec.selector", {}, f"empty selector is invalid for {kind}"))
    elif causes:
        causes.append(invalid("spec.selector", selectors.in_order(selector), "invalid label selector"))
    return causes


def _template(spec: Json, extra_volumes: set[str] | None = None) -> list[Cause]:
    """The template, that the selector selects it, and that its pods are restarted."""
    value = spec["template"]
    found = (value.get("metadata") or {}).get("labels")
    selector = spec.get("selector")
    wrong = selectors.label_selector(selector, "")
    if not wrong and not (selector is not None and selectors.is_empty(selector)):
        matching = selectors.matches(selector, found or {})
        causes = [] if matching else [_no_match(found)]
    else:
        causes = []
    causes += template_with(value, extra_volumes)
    policy = value["spec"].get("restartPolicy", "")
    if policy in {"OnFailure", "Never"}:
        causes.append(unsupported("spec.template.spec.restartPolicy", policy, ("Always",)))
    if value["spec"].get("activeDeadlineSeconds") is not None:
        field = "spec.template.spec.activeDeadlineSeconds"
        causes.append(forbidden(field, "activeDeadlineSeconds in ReplicaSet is not Supported"))
    return causes


def _no_match(found: Json | None) -> Cause:
    shown = dict(sorted(found.items())) if found else None
    return invalid("spec.template.metadata.labels", shown, "`selector` does not match template `labels`")


def template_with(value: Json, extra_volumes: set[str] | None = None) -> list[Cause]:
    """A template whose containers may mount volumes that come from elsewhere."""
    if not extra_volumes:
        return template(value, "spec.template")
    known = [{"name": name, "emptyDir": {}} for name in sorted(extra_volumes)]
    names = {one.get("name") for one in value["spec"].get("volumes") or ()}
    added = [one for one in known if one["name"] not in names]
    spec = {**value["spec"], "volumes": [*(value["spec"].get("volumes") or []), *added]}
    return template({**value, "spec": spec}, "spec.template")


def _strategy(strategy: Json) -> list[Cause]:
    field = "spec.strategy"
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if kind == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(f"{field}.rollingUpdate", detail)] if rolling is not None else []
    if kind != "RollingUpdate":
        return [unsupported(field, strategy, ("Recreate", "RollingUpdate"))]
    if rolling is None:
        return [required(f"{field}.rollingUpdate", "this should be defaulted and never be nil")]
    field += ".rollingUpdate"
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    causes = int_or_percent(unavailable, f"{field}.maxUnavailable")
    causes += int_or_percent(surge, f"{field}.maxSurge")
    if is_zero(unavailable) and is_zero(surge):
        causes.append(invalid(f"{field}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    return causes + over_hundred(unavailable, f"{field}.maxUnavailable")


def replica_set(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes = not_negative(spec.get("replicas"), "spec.replicas")
    causes += not_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    return causes + _selector(spec, "replicaset") + _template(spec)


def daemon_set(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes = _selector(spec, "daemonset") + _template(spec)
    causes += not_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    strategy = spec.get("updateStrategy") or {}
    field = "spec.updateStrategy"
    match strategy.get("type"):
        case "OnDelete":
            pass
        case "RollingUpdate":
            rolling = strategy.get("rollingUpdate") or {}
            field += ".rollingUpdate"
            surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
            causes += int_or_percent(unavailable, f"{field}.maxUnavailable")
            causes += int_or_percent(surge, f"{field}.maxSurge")
            if not is_zero(surge) and not is_zero(unavailable):
                detail = "may not be set when maxUnavailable is non-zero"
                causes.append(invalid(f"{field}.maxSurge", surge, detail))
            elif is_zero(surge) and is_zero(unavailable):
                detail = "cannot be 0 when maxSurge is 0"
                causes.append(invalid(f"{field}.maxUnavailable", unavailable, detail))
        case other:
            causes.append(unsupported(f"{field}.type", other or "", ("OnDelete", "RollingUpdate")))
    return causes + not_negative(spec.get("revisionHistoryLimit"), "spec.revisionHistoryLimit")


def stateful_set(obj: Json) -> list[Cause]:
    spec = obj["spec"]
    causes: list[Cause] = []
    policy = spec.get("podManagementPolicy", "")
    if policy not in {"OrderedReady", "Parallel"}:
        detail = "must be 'OrderedReady' or 'Parallel'"
        causes.append(
            invalid("spec.podManagementPolicy", policy, detail)
            if policy
            else required("spec.podManagementPolicy")
        )
    causes += _stateful_strategy(spec.get("updateStrategy") or {})
    for name in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        causes += not_negative(spec.get(name), f"spec.{name}")
    causes += _selector(spec, "statefulset")
    if name := spec.get("serviceName"):
        causes += each("spec.serviceName", name, forms.dns_label(name))
    claims = {(one.get("metadata") or {}).get("name", "") for one in spec.get("volumeClaimTemplates") or ()}
    return causes + _template(spec, claims - {""})


def _stateful_strategy(strategy: Json) -> list[Cause]:
    field, kind, rolling = "spec.updateStrategy", strategy.get("type", ""), strategy.get("rollingUpdate")
    match kind:
        case "":
            return [required(field)]
        case "OnDelete":
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            return [invalid(f"{field}.rollingUpdate", rolling, detail)] if rolling is not None else []
        case "RollingUpdate":
            return not_negative((rolling or {}).get("partition"), f"{field}.rollingUpdate.partition")
    return [invalid(field, strategy, "must be 'RollingUpdate' or 'OnDelete'")]


def selector_update(new: Json, old: Json) -> list[Cause]:
    """The selector of a deployment, replica set or daemon set stays."""
    selector = new["spec"].get("selector")
    if same(selector, old["spec"].get("selector")):
        return []
    return [invalid("spec.selector", selectors.in_order(selector), "field is immutable")]


def stateful_set_update(new: Json, old: Json) -> list[Cause]:
    now = {name: value for name, value in new["spec"].items() if name not in _STATEFUL_CHANGEABLE}
    was = {name: value for name, value in old["spec"].items() if name not in _STATEFUL_CHANGEABLE}
    return [] if same(now, was) else [forbidden("spec", _STATEFUL_RULE)]
