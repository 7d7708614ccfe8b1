"""Volumes and claims that are being deleted go when nothing uses them any more."""

from __future__ import annotations

from localcluster.admission.claims import PROTECTION
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.inprocess import Privileged
from localcluster.store.revision import Change, Key, Obj

_COLLECTIONS = {"persistentvolumeclaims": "PersistentVolumeClaim", "persistentvolumes": "PersistentVolume"}
Place = tuple[str, Key]


class VolumeProtection:
    """Takes the protecting finalizer off what is marked and unused."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = Privileged(cluster, "kube-controller-manager")
        self._waiting: set[Place] = set()
        self.worklist: Worklist[Place] = Worklist(self._reconcile)
        for collection in _COLLECTIONS:
            cluster.store.listen(collection, self)
            for revision in cluster.store.snapshot(collection, ""):
                self.worklist.add((collection, revision.key))
        cluster.store.listen("pods", _Users(self))

    def offer(self, change: Change) -> None:
        if change.after is not None and b'"deletionTimestamp"' in change.after.raw:
            self.worklist.add((change.collection, change.key))

    def user_changed(self, namespace: str) -> None:
        """A pod of this namespace has ended or gone."""
        for place in self._waiting:
            if place[1][0] == namespace:
                self.worklist.add(place)

    def _reconcile(self, place: Place) -> None:
        collection, key = place
        kind = _COLLECTIONS[collection]
        resource = self._api.resource("v1", kind)
        obj = self._api.find(resource, *key)
        self._waiting.discard(place)
        if obj is None or "deletionTimestamp" not in obj["metadata"]:
            return
        if PROTECTION[kind] not in (obj["metadata"].get("finalizers") or ()):
            return
        if self._is_used(kind, key, obj):
            self._waiting.add(place)
        else:
            self._api.change(resource, *key, lambda changed: _unprotect(changed, PROTECTION[kind]))

    def _is_used(self, kind: str, key: Key, obj: Obj) -> bool:
        if kind == "PersistentVolume":
            return (obj.get("status") or {}).get("phase") == "Bound"
        return any(_mounts(pod.load(), key[1]) for pod in self._cluster.store.snapshot("pods", key[0]))


class _Users:
    """Hears of pods, the users of claims."""

    def __init__(self, protection: VolumeProtection) -> None:
        self._protection = protection

    def offer(self, change: Change) -> None:
        self._protection.user_changed(change.key[0])


def _mounts(pod: Obj, claim: str) -> bool:
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return False
    volumes = pod["spec"].get("volumes") or ()
    return any((volume.get("persistentVolumeClaim") or {}).get("claimName") == claim for volume in volumes)


def _unprotect(obj: Obj, finalizer: str) -> None:
    kept = [each for each in obj["metadata"].get("finalizers") or () if each != finalizer]
    if kept:
        obj["metadata"]["finalizers"] = kept
    else:
        obj["metadata"].pop("finalizers", None)
