"""All objects in memory under one rising version, with a bounded history and those who listen.

Nothing here waits: a write is one step of the event loop, so readers never see half of one. With a
journal, `durable` waits until a version is on disk; a request is answered only after that.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Protocol

import orjson

from localcluster.store.revision import Change, Key, Obj, Revision

MAX_CHANGES = 20_000
MAX_HISTORY_BYTES = 48 * 1024 * 1024
FIRST_VERSION = 1_000
"""So that low versions are always too old, as on a server that has run for a while."""

_LAST = "\U0010ffff"


class Compacted(Exception):
    """The version asked for is older than the history."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")


class Listener(Protocol):
    """Hears of each change of a collection, in order, on the event loop; must not block or raise."""

    def offer(self, change: Change) -> None: ...


class Journal(Protocol):
    """Where writes are kept; see journal.py."""

    def append(self, collection: str, key: Key, version: int, raw: bytes | None) -> None: ...
    async def durable(self, version: int) -> None: ...


def listed_as(key: Key) -> Key:
    """Sort key of lists: as the text namespace/name, so that a-b comes before a."""
    return (key[0] + "/", key[1])


class Collection:
    """The objects of one resource, sorted by namespace and name."""

    __slots__ = ("keys", "listeners", "objects")

    def __init__(self) -> None:
        self.objects: dict[Key, Revision] = {}
        self.keys: list[Key] = []
        self.listeners: list[Listener] = []

    def put(self, revision: Revision) -> None:
        if revision.key not in self.objects:
            insort(self.keys, revision.key, key=listed_as)
        self.objects[revision.key] = revision

    def drop(self, key: Key) -> None:
        del self.objects[key]
        del self.keys[bisect_left(self.keys, listed_as(key), key=listed_as)]

    def within(self, namespace: str) -> list[Key]:
        low = bisect_left(self.keys, listed_as((namespace, "")), key=listed_as)
        high = bisect_left(self.keys, listed_as((namespace, _LAST)), key=listed_as)
        return self.keys[low:high]


class Store:
    """The truth of the cluster."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.version = FIRST_VERSION
        self._collections: dict[str, Collection] = {}
        self._history: list[Change] = []
        self._trimmed = 0
        self._history_bytes = 0
        self._compacted = FIRST_VERSION
        self._journal = journal
        self._everything: list[Listener] = []

    def restore(self, collection: str, key: Key, version: int, raw: bytes) -> None:
        """Put back what a journal kept; versions must then be closed with `restored`."""
        self.collection(collection).put(Revision(key, version, raw, orjson.loads(raw)))

    def restored(self, version: int) -> None:
        """From here on versions rise from `version`; nothing before it can be watched."""
        self.version = self._compacted = max(version, FIRST_VERSION)

    def begin_history(self) -> None:
        """Forget how the present state came about (after the initial objects were made)."""
        self._history.clear()
        self._trimmed = self._history_bytes = 0
        self._compacted = self.version

    def collection(self, name: str) -> Collection:
        found = self._collections.get(name)
        if found is None:
            found = self._collections[name] = Collection()
        return found

    def collections(self) -> Iterator[tuple[str, Collection]]:
        return iter(list(self._collections.items()))

    def find(self, collection: str, key: Key) -> Revision | None:
        return self.collection(collection).objects.get(key)

    def put(self, collection: str, key: Key, obj: Obj) -> Revision:
        """Store `obj` (which is given its resourceVersion) as the newest version."""
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        revision = Revision(key, self.version, orjson.dumps(obj), obj)
        held = self.collection(collection)
        before = held.objects.get(key)
        held.put(revision)
        self._record(held, Change(collection, self.version, before, revision))
        return revision

    def delete(self, collection: str, key: Key) -> Change:
        held = self.collection(collection)
        before = held.objects[key]
        self.version += 1
        held.drop(key)
        change = Change(collection, self.version, before, None)
        self._record(held, change)
        return change

    def _record(self, held: Collection, change: Change) -> None:
        if self._journal is not None:
            raw = change.after.raw if change.after else None
            self._journal.append(change.collection, change.key, change.version, raw)
        self._history.append(change)
        self._history_bytes += change.size
        while len(self._history) - self._trimmed > MAX_CHANGES or self._history_bytes > MAX_HISTORY_BYTES:
            self._forget_oldest()
        for listener in tuple(held.listeners):
            listener.offer(change)
        for listener in self._everything:
            listener.offer(change)

    def _forget_oldest(self) -> None:
        oldest = self._history[self._trimmed]
        self._history_bytes -= oldest.size
        self._compacted = oldest.version
        self._trimmed += 1
        if self._trimmed > MAX_CHANGES // 4:
            del self._history[: self._trimmed]
            self._trimmed = 0

    async def durable(self) -> None:
        """Return when all that has been written so far would survive the process."""
        if self._journal is not None:
            await self._journal.durable(self.version)

    def snapshot(self, collection: str, namespace: str, at: int | None = None) -> list[Revision]:
        """Objects of a namespace (all where empty) as they were at a version, sorted.

        Raises Compacted where the history does not reach back that far.
        """
        held = self.collection(collection)
        if at is None or at >= self.version:
            if not namespace:
                return [held.objects[key] for key in held.keys]
            return [held.objects[key] for key in held.within(namespace)]
        then: dict[Key, Revision | None] = {}
        for change in self.changes_since(at):
            if change.collection == collection:
                then.setdefault(change.key, change.before)
        keys = {key for key in held.objects if key not in then}
        keys.update(key for key, revision in then.items() if revision is not None)
        revisions = [then.get(key) or held.objects[key] for key in sorted(keys, key=listed_as)]
        return [revision for revision in revisions if not namespace or revision.key[0] == namespace]

    def changes_since(self, version: int) -> Iterator[Change]:
        """Changes after a version, oldest first; raises Compacted where some are gone."""
        if version < self._compacted:
            raise Compacted(version, self._compacted)
        start = bisect_left(self._history, version + 1, lo=self._trimmed, key=_version_of)
        return iter(self._history[start:])

    def listen(self, collection: str, listener: Listener) -> None:
        self.collection(collection).listeners.append(listener)

    def listen_to_everything(self, listener: Listener) -> None:
        self._everything.append(listener)

    def ignore(self, collection: str, listener: Listener) -> None:
        listeners = self.collection(collection).listeners
        if listener in listeners:
            listeners.remove(listener)


def _version_of(change: Change) -> Any:
    return change.version
