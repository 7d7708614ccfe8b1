"""Which objects belong to whom: controllers as owner references name them, and an index over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from localcluster.controllers.access import Access, Kind
from localcluster.store.revision import Change, Key, Obj, Revision

_VIEW = "controller"


class Owner(NamedTuple):
    """The controller of an object; `uid` is empty for an object that has none."""

    uid: str
    kind: str
    name: str


NOBODY = Owner("", "", "")


def controller_of(obj: Obj) -> Owner:
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return Owner(reference["uid"], reference["kind"], reference["name"])
    return NOBODY


def reference_to(owner: Obj) -> Obj:
    """The owner reference by which `owner` controls what it makes."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def take(obj: Obj, owner: Obj) -> None:
    """Adopt an object that has no controller."""
    obj["metadata"].setdefault("ownerReferences", []).append(reference_to(owner))


class Owned:
    """The objects of one kind by the uid of their controller; those without one are apart, by namespace."""

    def __init__(self, access: Access, kind: Kind) -> None:
        self._access = access
        self.kind = kind
        self._keys: dict[str, dict[Key, None]] = {}
        self._listeners: dict[str, Callable[[Key], None]] = {}

    def start(self) -> None:
        for revision in self._access.snapshot(self.kind):
            self._add(_owner(revision), revision.key)
        self._access.listen(self.kind, self._hear)

    def tell(self, owner_kind: Kind, hear: Callable[[Key], None]) -> None:
        """Call `hear` with the key of the controller whenever an object that it owns, or owned, changes."""
        self._listeners[owner_kind.name] = hear

    def keys(self, uid: str) -> list[Key]:
        """Of the objects that a controller owns, oldest first."""
        return list(self._keys.get(uid, ()))

    def revisions(self, uid: str) -> list[Revision]:
        found = (self._access.revision(self.kind, key) for key in self.keys(uid))
        return [revision for revision in found if revision is not None]

    def objects(self, uid: str) -> list[Obj]:
        return [revision.load() for revision in self.revisions(uid)]

    def unowned(self, namespace: str) -> list[Revision]:
        """Objects of a namespace that no controller owns."""
        return self.revisions(_place(NOBODY, namespace))

    def _hear(self, change: Change) -> None:
        before = _owner(change.before) if change.before else None
        after = _owner(change.after) if change.after else None
        if before is not None and before != after:
            self._drop(before, change.key)
        if after is not None:
            self._add(after, change.key)
            self._tell(after, change.key[0])

    def _add(self, owner: Owner, key: Key) -> None:
        self._keys.setdefault(_place(owner, key[0]), {})[key] = None

    def _drop(self, owner: Owner, key: Key) -> None:
        place = _place(owner, key[0])
        keys = self._keys.get(place, {})
        keys.pop(key, None)
        if not keys:
            self._keys.pop(place, None)
        self._tell(owner, key[0])

    def _tell(self, owner: Owner, namespace: str) -> None:
        hear = self._listeners.get(owner.kind)
        if hear is not None:
            hear((namespace, owner.name))


def _place(owner: Owner, namespace: str) -> str:
    return owner.uid or f"nobody/{namespace}"


def _owner(revision: Revision) -> Owner:
    known: Owner | None = revision.remembered(_VIEW)
    if known is None:
        known = controller_of(revision.load()) if b'"controller":true' in revision.raw else NOBODY
        revision.remember(_VIEW, known)
    return known
