"""Garbage collection: what owners leave behind, by the three ways in which an owner may be deleted.

Background: the owner goes first, its dependents after it. Foreground: dependents that block go first, held
together by a finalizer on the owner. Orphan: dependents lose their reference and stay.
"""

from __future__ import annotations

from typing import Any

from localcluster import rules
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.http.options import DeleteOptions
from localcluster.inprocess import Privileged
from localcluster.resources.resource import Resource
from localcluster.store.revision import Change, Key, Obj, Revision
from localcluster.verbs.deleting import FOREGROUND, ORPHAN

Place = tuple[str, Key]
"""Collection and key."""


class GarbageCollector:
    """Knows at every moment which objects name which owners."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = Privileged(cluster, "kube-controller-manager")
        self._dependents: dict[str, set[Place]] = {}
        self._owners: dict[Place, tuple[str, ...]] = {}
        self._alive: dict[str, Place] = {}
        self.worklist: Worklist[Place] = Worklist(self._reconcile)
        cluster.store.listen_to_everything(self)
        for name, collection in cluster.store.collections():
            for revision in collection.objects.values():
                self._note(name, revision)

    def offer(self, change: Change) -> None:
        place = (change.collection, change.key)
        if change.after is not None:
            self._note(change.collection, change.after)
            return
        assert change.before is not None
        self._alive.pop(change.before.uid, None)
        for owner in self._owners.pop(place, ()):
            self._dependents.get(owner, set()).discard(place)
            self._wake(owner)
        for dependent in self._dependents.get(change.before.uid, ()):
            self.worklist.add(dependent)

    def _note(self, collection: str, revision: Revision) -> None:
        place = (collection, revision.key)
        self._alive[revision.uid] = place
        owned = b'"ownerReferences"' in revision.raw
        dying = b'"deletionTimestamp"' in revision.raw
        if not owned and not dying and place not in self._owners:
            return
        metadata = revision.load()["metadata"]
        owners = tuple(each["uid"] for each in metadata.get("ownerReferences") or ())
        before = self._owners.get(place, ())
        if owners != before:
            self._index(place, before, owners)
            self.worklist.add(place)
        if "deletionTimestamp" in metadata:
            self.worklist.add(place)
            for owner in owners:
                self._wake(owner)

    def _index(self, place: Place, before: tuple[str, ...], owners: tuple[str, ...]) -> None:
        for owner in before:
            self._dependents.get(owner, set()).discard(place)
            self._wake(owner)
        for owner in owners:
            self._dependents.setdefault(owner, set()).add(place)
        if owners:
            self._owners[place] = owners
        else:
            self._owners.pop(place, None)

    def _wake(self, uid: str) -> None:
        if uid in self._alive:
            self.worklist.add(self._alive[uid])
        elif not self._dependents.get(uid):
            self._dependents.pop(uid, None)

    def _reconcile(self, place: Place) -> None:
        collection, key = place
        revision = self._cluster.store.find(collection, key)
        resource = self._cluster.registry.of_collection(collection)
        if revision is None or resource is None:
            return
        obj = rules.from_storage(resource, revision.load())
        metadata = obj["metadata"]
        if "deletionTimestamp" in metadata:
            finalizers = metadata.get("finalizers") or ()
            if ORPHAN in finalizers:
                self._orphan(resource, revision)
            elif FOREGROUND in finalizers:
                self._delete_dependents(resource, revision)
        elif metadata.get("ownerReferences"):
            self._judge(resource, revision, metadata["ownerReferences"])

    def _judge(self, resource: Resource, revision: Revision, references: list[dict[str, Any]]) -> None:
        """Delete a dependent all of whose owners are gone, or are waiting in the foreground for it to go."""
        solid, waiting, absent = [], [], []
        for reference in references:
            owner = self._owner(reference, revision.key[0])
            if owner is None:
                absent.append(reference)
            elif _is_foreground(owner) and reference.get("blockOwnerDeletion"):
                waiting.append(reference)
            else:
                solid.append(reference)
        if solid:
            if absent or waiting:
                gone = {reference["uid"] for reference in absent + waiting}
                self._drop_references(resource, revision.key, gone)
            return
        policy = "Background"
        if waiting and self._dependents.get(revision.uid):
            policy = "Foreground"
        self._api.delete(resource, *revision.key, DeleteOptions(uid=revision.uid, propagation=policy))

    def _owner(self, reference: dict[str, Any], namespace: str) -> Revision | None:
        """The owner where it is alive under the name, kind and namespace that the reference says."""
        place = self._alive.get(reference["uid"])
        if place is None:
            return None
        collection, key = place
        resource = self._cluster.registry.of_collection(collection)
        if resource is None or resource.kind != reference["kind"] or key[1] != reference["name"]:
            return None
        if resource.namespaced and key[0] != namespace:
            return None
        return self._cluster.store.find(collection, key)

    def _orphan(self, resource: Resource, owner: Revision) -> None:
        for collection, key in sorted(self._dependents.get(owner.uid, ())):
            dependent = self._cluster.registry.of_collection(collection)
            if dependent is not None:
                self._drop_references(dependent, key, {owner.uid})
        self._drop_finalizer(resource, owner.key, ORPHAN)

    def _delete_dependents(self, resource: Resource, owner: Revision) -> None:
        blocking = False
        for collection, key in sorted(self._dependents.get(owner.uid, ())):
            dependent = self._cluster.store.find(collection, key)
            if dependent is None:
                continue
            metadata = dependent.load()["metadata"]
            blocking |= any(
                each["uid"] == owner.uid and each.get("blockOwnerDeletion")
                for each in metadata.get("ownerReferences") or ()
            )
            if "deletionTimestamp" not in metadata:
                self.worklist.add((collection, key))
        if not blocking:
            self._drop_finalizer(resource, owner.key, FOREGROUND)

    def _drop_references(self, resource: Resource, key: Key, uids: set[str]) -> None:
        def edit(obj: Obj) -> None:
            references = obj["metadata"].get("ownerReferences") or []
            kept = [each for each in references if each["uid"] not in uids]
            if kept:
                obj["metadata"]["ownerReferences"] = kept
            else:
                obj["metadata"].pop("ownerReferences", None)

        self._api.change(resource, *key, edit)

    def _drop_finalizer(self, resource: Resource, key: Key, finalizer: str) -> None:
        def edit(obj: Obj) -> None:
            kept = [each for each in obj["metadata"].get("finalizers") or () if each != finalizer]
            if kept:
                obj["metadata"]["finalizers"] = kept
            else:
                obj["metadata"].pop("finalizers", None)

        self._api.change(resource, *key, edit)


def _is_foreground(owner: Revision) -> bool:
    if b'"foregroundDeletion"' not in owner.raw:
        return False
    metadata = owner.load()["metadata"]
    return "deletionTimestamp" in metadata and FOREGROUND in (metadata.get("finalizers") or ())
