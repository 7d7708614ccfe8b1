"""Where an object without a namespace goes: into its release's, or into none where its kind has none."""

from __future__ import annotations

from collections.abc import Iterable

from shared.kustomize.resid import is_cluster_scoped
from shared.model.meta import GroupKind, Object, ObjectRef

_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


def cluster_scoped_kinds(objects: Iterable[Object]) -> frozenset[GroupKind]:
    """The kinds without namespaces that these objects define."""
    specs = [obj.get("spec") or {} for obj in objects if ObjectRef.of(obj).group_kind == _DEFINITION]
    return frozenset(
        GroupKind(str(spec.get("group")), str((spec.get("names") or {}).get("kind")))
        for spec in specs
        if spec.get("scope") == "Cluster"
    )


def placed(obj: Object, namespace: str, custom: frozenset[GroupKind]) -> Object:
    """The object with the namespace that it would have in a cluster. `custom` are of the definitions."""
    ref = ObjectRef.of(obj)
    if ref.namespace or ref.group_kind in custom or is_cluster_scoped(ref.api_version, ref.kind):
        return obj
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
