"""Pods and pod templates."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, duplicate, forbidden, invalid, required, unsupported
from localcluster.objects.forms import each
from localcluster.objects.typed import same
from localcluster.objects.validation.containers import containers
from localcluster.objects.validation.meta import check_annotations, labels

Json = dict[str, Any]

RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_INT32 = 2**31 - 1
_UPDATE_RULE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod(obj: Json) -> list[Cause]:
    return pod_spec(obj["spec"], "spec")


def pod_template(obj: Json) -> list[Cause]:
    return template(obj["template"], "template")


def template(value: Json, field: str) -> list[Cause]:
    """The labels, annotations and spec of a template."""
    meta = value.get("metadata") or {}
    causes = labels(meta.get("labels"), f"{field}.labels")
    causes += check_annotations(meta.get("annotations"), f"{field}.annotations")
    return causes + pod_spec(value["spec"], f"{field}.spec")


def pod_spec(spec: Json, field: str, extra_volumes: set[str] | None = None) -> list[Cause]:
    """`extra_volumes`: names that volume claim templates provide."""
    names, causes = _volumes(spec.get("volumes") or [], f"{field}.volumes")
    causes += containers(spec, field, names | (extra_volumes or set()))
    policy = spec.get("restartPolicy", "")
    if policy not in RESTART_POLICIES:
        causes.append(unsupported(f"{field}.restartPolicy", policy, RESTART_POLICIES))
    dns = spec.get("dnsPolicy", "")
    if dns not in _DNS_POLICIES:
        causes.append(unsupported(f"{field}.dnsPolicy", dns, _DNS_POLICIES))
    causes += labels(spec.get("nodeSelector"), f"{field}.nodeSelector")
    for name, check in (
        ("serviceAccountName", forms.dns_subdomain),
        ("nodeName", forms.dns_subdomain),
        ("hostname", forms.dns_label),
        ("subdomain", forms.dns_label),
        ("priorityClassName", forms.dns_subdomain),
        ("runtimeClassName", forms.dns_subdomain),
    ):
        if value := spec.get(name):
            causes += each(f"{field}.{name}", value, check(value))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        detail = f"must be between 1 and {_MAX_INT32}, inclusive"
        causes.append(invalid(f"{field}.activeDeadlineSeconds", deadline, detail))
    return causes + _tolerations(spec.get("tolerations") or [], f"{field}.tolerations")


def _volumes(volumes: list[Json], field: str) -> tuple[set[str], list[Cause]]:
    names: set[str] = set()
    causes: list[Cause] = []
    for at, volume in enumerate(volumes):
        where = f"{field}[{at}]"
        sources = [name for name, value in volume.items() if name != "name" and value is not None]
        causes += [
            forbidden(f"{where}.{name}", "may not specify more than 1 volume type") for name in sources[1:]
        ]
        name = volume.get("name", "")
        if not name:
            causes.append(required(f"{where}.name"))
            continue
        causes += each(f"{where}.name", name, forms.dns_label(name))
        if name in names:
            causes.append(duplicate(f"{where}.name", name))
        names.add(name)
        causes += _volume_source(volume, where)
    return names, causes


def _volume_source(volume: Json, where: str) -> list[Cause]:
    needed = {
        "hostPath": "path",
        "secret": "secretName",
        "configMap": "name",
        "persistentVolumeClaim": "claimName",
        "nfs": "server",
    }
    return [
        required(f"{where}.{source}.{name}")
        for source, name in needed.items()
        if volume.get(source) is not None and not volume[source].get(name)
    ]


def _tolerations(tolerations: list[Json], field: str) -> list[Cause]:
    causes: list[Cause] = []
    for at, one in enumerate(tolerations):
        where = f"{field}[{at}]"
        key, operator = one.get("key", ""), one.get("operator", "")
        if key:
            causes += each(f"{where}.key", key, forms.qualified_name(key))
        elif operator != "Exists":
            detail = (
                'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            )
            causes.append(invalid(f"{where}.operator", operator, detail))
        if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            causes.append(invalid(f"{where}.effect", one.get("effect", ""), detail))
        causes += _operator(one, operator, f"{where}.operator")
        effects = ("NoSchedule", "PreferNoSchedule", "NoExecute")
        if one.get("effect", "") not in {"", *effects}:
            causes.append(unsupported(f"{where}.effect", one["effect"], effects))
    return causes


def _operator(one: Json, operator: str, field: str) -> list[Cause]:
    value = one.get("value", "")
    if operator in {"", "Equal"}:
        wrong = forms.label_value(value)
        return [invalid(field, value, ";".join(wrong))] if wrong else []
    if operator != "Exists":
        return [unsupported(field, operator, ("Equal", "Exists"))]
    return [invalid(field, value, "value must be empty when `operator` is 'Exists'")] if value else []


def pod_update(new: Json, old: Json) -> list[Cause]:
    """Of an existing pod only images, deadlines, additional tolerations and scheduling gates change."""
    spec, before = new["spec"], old["spec"]
    for kind in ("containers", "initContainers"):
        if len(spec.get(kind) or ()) != len(before.get(kind) or ()) or _names(spec, kind) != _names(
            before, kind
        ):
            return [forbidden(f"spec.{kind}", "pod updates may not add or remove containers")]
    causes = _deadline(spec, before)
    if not same(_fixed(spec), _fixed(before)):
        causes.append(forbidden("spec", _UPDATE_RULE))
    elif any(one not in (spec.get("tolerations") or ()) for one in before.get("tolerations") or ()):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        causes.append(forbidden("spec.tolerations", detail))
    return causes


def _names(spec: Json, kind: str) -> list[str]:
    return [one.get("name", "") for one in spec.get(kind) or ()]


def _deadline(spec: Json, before: Json) -> list[Cause]:
    now, was = spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")
    field = "spec.activeDeadlineSeconds"
    if was is not None and now is None:
        return [invalid(field, None, "must not update from a positive integer to nil value")]
    if was is not None and now is not None and now > was:
        return [invalid(field, now, f"must be less than or equal to previous value {was}")]
    return []


def _fixed(spec: Json) -> Json:
    """The spec without what may change."""
    changeable = {
        "containers",
        "initContainers",
        "activeDeadlineSeconds",
        "tolerations",
        "schedulingGates",
        "nodeSelector" if spec.get("schedulingGates") else "",
    }
    fixed = {name: value for name, value in spec.items() if name not in changeable}
    for kind in ("containers", "initContainers"):
        fixed[kind] = [{**one, "image": ""} for one in spec.get(kind) or ()]
    return fixed
