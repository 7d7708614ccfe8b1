"""What every object's metadata must be, on create and on update."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, forbidden, invalid, required, too_long
from localcluster.objects.forms import Check, each
from localcluster.objects.typed import same

Json = dict[str, Any]

ANNOTATION_BYTES = 256 * 1024
_STANDARD_FINALIZERS = {"orphan", "foregroundDeletion", "kubernetes"}
_IMMUTABLE = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)

# Groups and kinds whose names are not DNS subdomains.
_NAMES: dict[tuple[str, str], Check] = {
    ("", "Service"): forms.dns_label,
    ("", "Namespace"): forms.dns_label,
    ("apiregistration.k8s.io", "APIService"): forms.path_segment,
    ("rbac.authorization.k8s.io", "Role"): forms.path_segment,
    ("rbac.authorization.k8s.io", "RoleBinding"): forms.path_segment,
    ("rbac.authorization.k8s.io", "ClusterRole"): forms.path_segment,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): forms.path_segment,
}


def name_check(group: str, kind: str) -> Check:
    """How the names of a kind are checked."""
    return _NAMES.get((group, kind), forms.dns_subdomain)


def check_meta(meta: Json, check: Check, *, finalizer_index: bool = True) -> list[Cause]:
    """`finalizer_index`: built-in kinds of the core check finalizers once more, each by its index."""
    causes: list[Cause] = []
    prefix = meta.get("generateName")
    if prefix:
        masked = prefix[:-1] + "a" if prefix.endswith("-") else prefix
        causes += each("metadata.generateName", prefix, check(masked))
    name = meta.get("name")
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    else:
        causes += each("metadata.name", name, check(name))
    causes += forms.not_negative(meta.get("generation"), "metadata.generation")
    causes += labels(meta.get("labels"), "metadata.labels")
    causes += check_annotations(meta.get("annotations"), "metadata.annotations")
    causes += _owners(meta.get("ownerReferences") or [])
    causes += _finalizers(meta.get("finalizers") or [], by_index=finalizer_index)
    causes += _managed_fields(meta.get("managedFields") or [])
    return causes


def labels(values: Any, field: str) -> list[Cause]:
    causes: list[Cause] = []
    for key, value in (values or {}).items():
        causes += each(field, key, forms.qualified_name(key))
        causes += each(field, value, forms.label_value(value))
    return causes


def check_annotations(values: Any, field: str) -> list[Cause]:
    causes: list[Cause] = []
    total = 0
    for key, value in (values or {}).items():
        causes += each(field, key, forms.qualified_name(key.lower()))
        total += len(key.encode()) + len(value.encode())
    if total > ANNOTATION_BYTES:
        causes.append(too_long(field, ANNOTATION_BYTES))
    return causes


def _owners(owners: list[Json]) -> list[Cause]:
    field = "metadata.ownerReferences"
    causes: list[Cause] = []
    controller = ""
    for owner in owners:
        if not owner.get("apiVersion", "").rpartition("/")[2]:
            causes.append(
                invalid(f"{field}.apiVersion", owner.get("apiVersion", ""), "version must not be empty")
            )
        causes += [
            invalid(f"{field}.{name}", "", "must not be empty")
            for name in ("kind", "name", "uid")
            if not owner.get(name)
        ]
        if owner.get("apiVersion") == "v1" and owner.get("kind") == "Event":
            causes.append(invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner"))
        if owner.get("controller"):
            this = f"{owner.get('kind', '')}/{owner.get('name', '')}"
            if controller:
                detail = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {this}"
                )
                causes.append(invalid(field, [_ordered_owner(one) for one in owners], detail))
            controller = controller or this
    return causes


def _ordered_owner(owner: Json) -> Json:
    """The fields in the order in which the genuine server prints them."""
    names = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
    return {name: owner[name] for name in names if name in owner}


def _finalizers(finalizers: list[str], *, by_index: bool) -> list[Cause]:
    field = "metadata.finalizers"
    causes: list[Cause] = []
    for at, one in enumerate(finalizers):
        causes += each(field, one, forms.qualified_name(one))
        if by_index and "/" not in one and one not in _STANDARD_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            causes.append(invalid(f"{field}[{at}]", one, detail))
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        causes.append(invalid(field, finalizers, detail))
    return causes


def _managed_fields(entries: list[Json]) -> list[Cause]:
    causes: list[Cause] = []
    for at, entry in enumerate(entries):
        field = f"metadata.managedFields[{at}]"
        if entry.get("operation") not in {"Apply", "Update"}:
            causes.append(
                invalid(f"{field}.operation", entry.get("operation", ""), "must be `Apply` or `Update`")
            )
        if entry.get("fieldsType", "FieldsV1") not in {"", "FieldsV1"}:
            causes.append(invalid(f"{field}.fieldsType", entry["fieldsType"], "must be `FieldsV1`"))
        if len(entry.get("manager", "")) > 128:
            causes.append(too_long(f"{field}.manager", 128))
    return causes


def check_meta_update(new: Json, old: Json) -> list[Cause]:
    """What may not change, or not that way."""
    causes: list[Cause] = []
    if old.get("deletionTimestamp"):
        extra = sorted(set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if extra:
            listed = ", ".join(f'"{one}"' for one in extra)
            detail = (
                "no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{listed}}}"
            )
            causes.append(forbidden("metadata.finalizers", detail))
    if new.get("generation", 0) < old.get("generation", 0):
        causes.append(invalid("metadata.generation", new.get("generation", 0), "must not be decremented"))
    causes += [
        invalid(f"metadata.{name}", new.get(name), "field is immutable")
        for name in _IMMUTABLE
        if not same(new.get(name) or None, old.get(name) or None)
    ]
    return causes
