"""Move objects to a namespace, and with them what names it: role binding subjects, services."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.kustomize.config import SpecsByKind
from shared.kustomize.errors import TransformFailed
from shared.kustomize.fieldspec import FieldSpec, Missing, change_field
from shared.kustomize.resid import is_cluster_scoped
from shared.kustomize.resmap import ResMap
from shared.kustomize.resource import Resource
from shared.logic.go_spelling import Blank, scalar_text

_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
_SUBJECT_MODES = ("", "defaultOnly", "allServiceAccounts", "none")


@dataclass(frozen=True, slots=True)
class NamespaceChange:
    """The namespace; with `unset_only` it is set only where there is none yet.

    `subjects` says which subjects of role bindings move along: those named `default`
    (defaultOnly, also the meaning of ""), allServiceAccounts, or none.
    """

    namespace: str
    unset_only: bool = False
    subjects: str = ""


def set_namespace(resmap: ResMap, change: NamespaceChange, specs: Iterable[FieldSpec]) -> None:
    """Apply the change to all objects. Raises TransformFailed, DuplicateResource."""
    if not change.namespace:
        return
    if change.subjects not in _SUBJECT_MODES:
        raise TransformFailed(f"invalid value {change.subjects!r} for setRoleBindingSubjects")
    others = SpecsByKind(spec for spec in specs if spec.path != "metadata/namespace")
    for resource in resmap.resources:
        resource.remember_name()
        move(resource, change, others)
    resmap.require_distinct("namespace transformation produces ID conflict")


def move(resource: Resource, change: NamespaceChange, others: SpecsByKind) -> None:
    """Set the namespace of one object, and the fields of `others` that name it."""

    def setter(value: Any) -> str:
        if isinstance(value, dict | list):
            raise TransformFailed(f"{resource.shown()}: namespace field specs must target scalar nodes")
        old = "" if value is None or isinstance(value, Blank) else scalar_text(value)
        return old if change.unset_only and old else change.namespace

    if not is_cluster_scoped(resource.api_version, resource.kind):
        metadata = resource.obj.get("metadata")
        if not isinstance(metadata, dict):
            metadata = resource.obj["metadata"] = {}
        metadata["namespace"] = setter(metadata.get("namespace"))
    is_binding = resource.kind in _BINDINGS
    if is_binding:
        _move_subjects(resource, change, setter)
    for spec in others.of(resource.gvk):
        if spec.gvk.kind == "Namespace" and spec.path == "metadata/name" and resource.api_version != "v1":
            continue
        if is_binding and spec.gvk.kind in _BINDINGS and spec.path == "subjects/namespace":
            continue
        change_field(resource.obj, spec, setter, Missing.SCALAR)


def _move_subjects(resource: Resource, change: NamespaceChange, setter: Any) -> None:
    subjects = resource.obj.get("subjects")
    if change.subjects == "none" or subjects is None or isinstance(subjects, Blank):
        return
    if not isinstance(subjects, list):
        raise TransformFailed(f"{resource.shown()}: the subjects are not a list")
    field, wanted = (
        ("kind", "ServiceAccount") if change.subjects == "allServiceAccounts" else ("name", "default")
    )
    for subject in subjects:
        if isinstance(subject, dict) and subject.get(field) == wanted:
            subject["namespace"] = setter(subject.get("namespace"))
