"""One version of one object, and the change from one version to the next.

Objects are kept as the JSON that clients read: a read is a copy of bytes, memory is a tenth of what
dicts take, and whoever wants to change an object parses a fresh dict that is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""

Obj = dict[str, Any]
_NO_LABELS: Mapping[str, str] = {}


class Revision:
    """One version of one object; immutable but for the renderings that it remembers."""

    __slots__ = ("_renderings", "key", "labels", "raw", "uid", "version")

    def __init__(self, key: Key, version: int, raw: bytes, obj: Obj) -> None:
        metadata = obj["metadata"]
        self.key = key
        self.version = version
        self.raw = raw
        self.labels: Mapping[str, str] = metadata.get("labels") or _NO_LABELS
        self.uid: str = metadata.get("uid", "")
        self._renderings: dict[object, Any] | None = None

    def load(self) -> Obj:
        """A fresh copy that belongs to the caller."""
        obj: Obj = orjson.loads(self.raw)
        return obj

    def remembered(self, view: object) -> Any:
        """What `remember` kept under this view, or None."""
        return self._renderings.get(view) if self._renderings is not None else None

    def remember(self, view: object, rendering: Any) -> None:
        """Keep a rendering (bytes of one form, selectable fields) so that many watchers share it."""
        if self._renderings is None:
            self._renderings = {}
        self._renderings[view] = rendering


class Change:
    """What happened to one object at one version: created, updated or deleted."""

    __slots__ = ("_tombstone", "after", "before", "collection", "key", "version")

    def __init__(
        self, collection: str, version: int, before: Revision | None, after: Revision | None
    ) -> None:
        subject = after or before
        assert subject is not None
        self.collection = collection
        self.version = version
        self.before = before
        self.after = after
        self.key = subject.key
        self._tombstone: Revision | None = None

    @property
    def size(self) -> int:
        return len(self.after.raw if self.after else self.before.raw if self.before else b"")

    def tombstone(self) -> Revision:
        """The state before, carrying this change's version: what watchers see of a deletion."""
        if self._tombstone is None:
            assert self.before is not None
            obj = self.before.load()
            obj["metadata"]["resourceVersion"] = str(self.version)
            self._tombstone = Revision(self.key, self.version, orjson.dumps(obj), obj)
        return self._tombstone
