"""What storage and ingresses are given: protection from deletion while in use, and default classes."""

from __future__ import annotations

from localcluster.store.revision import Obj
from localcluster.store.store import Store

PROTECTION = {
    "PersistentVolumeClaim": "kubernetes.io/pvc-protection",
    "PersistentVolume": "kubernetes.io/pv-protection",
}
_DEFAULT_STORAGE = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"


def complete(store: Store, obj: Obj) -> None:
    """A finalizer that keeps a volume or claim while it is used; the default class for a claim."""
    metadata = obj["metadata"]
    finalizer = PROTECTION[obj["kind"]]
    if finalizer not in (metadata.get("finalizers") or ()):
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), finalizer]
    if obj["kind"] == "PersistentVolumeClaim" and obj["spec"].get("storageClassName") is None:
        default = _default_class(store, "storageclasses.storage.k8s.io", _DEFAULT_STORAGE)
        if default:
            obj["spec"]["storageClassName"] = default


def complete_ingress(store: Store, obj: Obj) -> None:
    annotations = obj["metadata"].get("annotations") or {}
    if obj["spec"].get("ingressClassName") is None and "kubernetes.io/ingress.class" not in annotations:
        default = _default_class(store, "ingressclasses.networking.k8s.io", _DEFAULT_INGRESS)
        if default:
            obj["spec"]["ingressClassName"] = default


def _default_class(store: Store, collection: str, annotation: str) -> str | None:
    """The newest class that is marked as the default."""
    marked = []
    for revision in store.snapshot(collection, ""):
        metadata = revision.load()["metadata"]
        if (metadata.get("annotations") or {}).get(annotation) == "true":
            marked.append((metadata["creationTimestamp"], metadata["name"]))
    return max(marked)[1] if marked else None
