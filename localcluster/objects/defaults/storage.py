"""Defaults of storage classes, CSI drivers and priority classes."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_STORAGE = "io.k8s.api.storage.v1."


def _storage_class(value: Json) -> None:
    value.setdefault("reclaimPolicy", "Delete")
    value.setdefault("volumeBindingMode", "Immediate")


def _csi_driver(value: Json) -> None:
    spec = value["spec"]
    spec.setdefault("attachRequired", True)
    spec.setdefault("podInfoOnMount", False)
    spec.setdefault("storageCapacity", False)
    spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
    spec.setdefault("volumeLifecycleModes", ["Persistent"])
    spec.setdefault("requiresRepublish", False)
    spec.setdefault("seLinuxMount", False)


def _priority_class(value: Json) -> None:
    value.setdefault("preemptionPolicy", "PreemptLowerPriority")


RULES = {
    _STORAGE + "StorageClass": _storage_class,
    _STORAGE + "CSIDriver": _csi_driver,
    "io.k8s.api.scheduling.v1.PriorityClass": _priority_class,
}
