"""Whose an object is, and what its labels and annotations ask for (specs/kustomize.md 1.4, 8.3, 10).

The words stand on the manifest (`desired`), on the object in the cluster (`live`), or on either: the
functions say which. Values are compared without case, but for `substitute`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.model.meta import Object, ObjectKey

GROUP = "kustomize.toolkit.fluxcd.io"
OWNER_NAME = f"{GROUP}/name"
OWNER_NAMESPACE = f"{GROUP}/namespace"

_RECONCILE = f"{GROUP}/reconcile"
_SSA = f"{GROUP}/ssa"
_FORCE = f"{GROUP}/force"
_PRUNE = f"{GROUP}/prune"
_SUBSTITUTE = f"{GROUP}/substitute"
_DECRYPT = f"{GROUP}/decrypt"


@dataclass(frozen=True, slots=True)
class Owner:
    """The Kustomization that an object belongs to."""

    namespace: str
    name: str

    @property
    def labels(self) -> dict[str, str]:
        return {OWNER_NAME: self.name, OWNER_NAMESPACE: self.namespace}

    def owns(self, live: Mapping[str, Any]) -> bool:
        """Both owner labels name us."""
        return owner_of(live) == ObjectKey(self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class OwnerLabels:
    """The labels by which the objects of one kind of owner are known."""

    name: str
    namespace: str

    @classmethod
    def of_group(cls, group: str) -> OwnerLabels:
        return cls(f"{group}/name", f"{group}/namespace")

    def owner_of(self, obj: Mapping[str, Any]) -> ObjectKey | None:
        """Who the labels say the owner is; None unless both are there."""
        labels = metadata_map(obj, "labels")
        name, namespace = labels.get(self.name), labels.get(self.namespace)
        return ObjectKey(namespace, name) if name and namespace else None


KUSTOMIZATION_LABELS = OwnerLabels.of_group(GROUP)


def owner_of(obj: Mapping[str, Any]) -> ObjectKey | None:
    """The Kustomization that the labels name."""
    return KUSTOMIZATION_LABELS.owner_of(obj)


def metadata_map(obj: Mapping[str, Any], field: str) -> Mapping[str, str]:
    """`labels` or `annotations`, empty where there are none."""
    return (obj.get("metadata") or {}).get(field) or {}


def excluded_from_apply(obj: Mapping[str, Any] | None) -> bool:
    """`reconcile: disabled` or `ssa: Ignore`; counts on desired and on live."""
    return _says(obj, _RECONCILE, "disabled") or _says(obj, _SSA, "Ignore")


def created_only(desired: Mapping[str, Any]) -> bool:
    """`ssa: IfNotPresent`; counts on desired alone."""
    return _says(desired, _SSA, "IfNotPresent")


def keeps_foreign_fields(obj: Mapping[str, Any] | None) -> bool:
    """`ssa: Merge`; counts on desired and on live."""
    return _says(obj, _SSA, "Merge")


def may_be_recreated(obj: Mapping[str, Any] | None) -> bool:
    """`force: enabled`; counts on desired and on live."""
    return _says(obj, _FORCE, "enabled")


def excluded_from_prune(live: Mapping[str, Any]) -> bool:
    """`prune: disabled`, `reconcile: disabled` or `ssa: Ignore`; counts on live."""
    return _says(live, _PRUNE, "disabled") or excluded_from_apply(live)


def substitution_disabled(built: Mapping[str, Any]) -> bool:
    """`substitute: disabled`, in exactly this case."""
    return any(
        metadata_map(built, field).get(_SUBSTITUTE) == "disabled" for field in ("labels", "annotations")
    )


def decryption_disabled(built: Mapping[str, Any]) -> bool:
    """`decrypt: disabled`; only an annotation counts."""
    return str(metadata_map(built, "annotations").get(_DECRYPT, "")).lower() == "disabled"


def _says(obj: Mapping[str, Any] | None, key: str, value: str) -> bool:
    if obj is None:
        return False
    return any(
        str(metadata_map(obj, field).get(key, "")).lower() == value.lower()
        for field in ("labels", "annotations")
    )


def with_metadata(obj: Object, *, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Object:
    """A copy of the object (shallow below metadata) with these labels and annotations set."""
    metadata = dict(obj["metadata"])
    if labels:
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    if annotations:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **annotations}
    return {**obj, "metadata": metadata}
