"""A local copy of one resource, kept by list and watch, that tells its subscribers what changed.

Before: client.py lists and watches. After: the runtime queues the objects that moved, and waiters
are woken. Restarts of the watch resume where it broke off; a version that is too old means a new list.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from shared.kube.client import KubeClient
from shared.kube.errors import ApiError, Forbidden, Gone, KubeError, NotFound, Unauthorized
from shared.model.kinds import Resource
from shared.model.meta import Object, ObjectKey

log = structlog.get_logger()

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
# A server that ends every watch at once must not be asked in a tight loop.
_SHORTEST_WATCH = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one object: `before` is None when it is new, `after` when it is gone."""

    key: ObjectKey
    before: Object | None
    after: Object | None


Subscriber = Callable[[Change], None]


def without_managed_fields(obj: Object) -> Object:
    """A third of an object's memory is managedFields, which no cache reader needs."""
    obj["metadata"].pop("managedFields", None)
    return obj


class Cache:
    """All objects of one resource that match a namespace and label selector.

    `keep` says what is stored of an object; subscribers get the stored one as `before`, but all of it
    as `after`. `run` never returns; cancel it to stop. Subscribers are called synchronously, in order,
    and must not block.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        *,
        namespace: str = "",
        label_selector: str = "",
        metadata_only: bool = False,
        keep: Callable[[Object], Object] = without_managed_fields,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self.broken_since: float | None = None
        """When the copy stopped following the server, in seconds of the loop's clock."""
        self._client = client
        self._keep = keep
        self._namespace = namespace
        self._label_selector = label_selector
        self._metadata_only = metadata_only
        self._objects: dict[ObjectKey, Object] = {}
        self._subscribers: list[Subscriber] = []
        self._version = ""

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Object]:
        return iter(list(self._objects.values()))

    def find(self, key: ObjectKey) -> Object | None:
        return self._objects.get(key)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Be told of changes from now on; the returned function ends it."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    async def run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._list_and_watch()
            except Gone:
                self._version = ""
            except NotFound as error:
                # The kind is not (or no longer) served: its objects are gone with it.
                self._replace([])
                self._version = ""
                self.synced.set()
                # Since ever: a list that is refused says nothing about what was there before.
                self.broken_since = float("-inf")
                log.debug("kind is not served", resource=self.resource.plural, error=str(error))
            except KubeError as error:
                if isinstance(error, ApiError):
                    self._version = ""
                self._note_break(error)
            else:
                if asyncio.get_running_loop().time() - started > _SHORTEST_WATCH:
                    continue
            if asyncio.get_running_loop().time() - started > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, hides nothing
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _list_and_watch(self) -> None:
        if not self._version:
            listing = await self._client.list(
                self.resource,
                self._namespace,
                label_selector=self._label_selector,
                metadata_only=self._metadata_only,
            )
            self._replace(listing.items)
            self._version = listing.resource_version
            self.synced.set()
        stream = self._client.watch(
            self.resource,
            self._namespace,
            resource_version=self._version,
            label_selector=self._label_selector,
            metadata_only=self._metadata_only,
            seconds=random.randint(300, 600),  # noqa: S311 - so that watches do not all end at once
            opened=self._follows,
        )
        async for kind, obj in stream:
            self._version = obj["metadata"]["resourceVersion"]
            if kind != "BOOKMARK":
                self._take(kind, obj)

    def _note_break(self, error: KubeError) -> None:
        """What only a person can mend is a warning, once; the rest mends itself."""
        first = self.broken_since is None
        if first:
            self.broken_since = asyncio.get_running_loop().time()
        told = log.warning if first and isinstance(error, Forbidden | Unauthorized) else log.debug
        told("watch broke off", resource=self.resource.plural, error=str(error))

    def _follows(self) -> None:
        self.broken_since = None

    def _replace(self, items: list[Object]) -> None:
        fresh = {ObjectKey.of(item): item for item in items}
        for key in [key for key in self._objects if key not in fresh]:
            self._publish(Change(key, self._objects.pop(key), None))
        for key, item in fresh.items():
            before = self._objects.get(key)
            if before is None or _version(before) != _version(item):
                self._objects[key] = self._keep(item)
                self._publish(Change(key, before, item))

    def _take(self, kind: str, obj: Object) -> None:
        key = ObjectKey.of(obj)
        before = self._objects.get(key)
        if kind == "DELETED":
            self._objects.pop(key, None)
            self._publish(Change(key, before or obj, None))
            return
        self._objects[key] = self._keep(obj)
        self._publish(Change(key, before, obj))

    def _publish(self, change: Change) -> None:
        for subscriber in list(self._subscribers):
            subscriber(change)


def _version(obj: Mapping[str, Any]) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))
