"""Watches the metadata of whatever we manage in one cluster, and says when somebody else touched it.

Before: the applier tells what it manages and what it wrote. After: owners are woken to repair drift,
and the applier asks whether an object has moved since it last looked, instead of asking the server.
Everything here is an optimisation: what is not covered is simply read from the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.logic.owner import KUSTOMIZATION_LABELS, OwnerLabels, metadata_map
from shared.logic.pacing import FIGHT, Fight, Pacing
from shared.logic.sightings import Meddling, Sighting, Sightings, is_newer
from shared.model.kinds import Resource
from shared.model.meta import GroupKind, Object, ObjectKey, ObjectRef

log = structlog.get_logger()

_MAX_KINDS = 200
_MAY_BE_BROKEN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Drift:
    """Somebody else touched an object of `owner`: look at it after `delay` seconds.

    The delay is 0 but for objects that drift over and over.
    """

    owner: ObjectKey
    ref: ObjectRef
    what: Meddling
    delay: float


Subscriber = Callable[[Drift], None]
Listener = Callable[[ObjectKey, ObjectRef], None]
"""Gets the owner and the object."""


@dataclass(slots=True)
class Answer:
    """What the server answered to a write; left None when the write failed."""

    obj: Object | None = None


def _identity_and_owner(obj: Object, owner: OwnerLabels) -> Object:
    """What is asked of an object after it was sighted; the rest of its metadata would only lie there."""
    meta, labels = obj["metadata"], metadata_map(obj, "labels")
    kept = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion") if key in meta}
    wanted = (owner.name, owner.namespace)
    return {"metadata": kept | {"labels": {key: labels[key] for key in wanted if key in labels}}}


class _Kind:
    """One watched kind: its cache, what was seen of it, and who needs it."""

    def __init__(self, resource: Resource, client: KubeClient, labels: OwnerLabels) -> None:
        self.resource = resource
        self.sightings = Sightings()
        self.users: set[ObjectKey] = set()
        self.cache = Cache(
            client,
            resource,
            label_selector=labels.name,
            metadata_only=True,
            keep=partial(_identity_and_owner, owner=labels),
        )
        self.task: asyncio.Task[None] | None = None


class Tracker:
    """One for each cluster. `run` never returns; cancel it to stop all watches.

    The client's identity needs list and watch on what is managed; kinds that it may not watch are
    not covered. It may be another identity than the one that applies.
    """

    def __init__(
        self, client: KubeClient, *, max_kinds: int = _MAX_KINDS, labels: OwnerLabels = KUSTOMIZATION_LABELS
    ) -> None:
        self._client = client
        self._labels = labels
        self._max_kinds = max_kinds
        self._kinds: dict[GroupKind, _Kind] = {}
        self._subscribers: list[Subscriber] = []
        self._listeners: list[Listener] = []
        self._pacing: Pacing[tuple[GroupKind, ObjectKey]] = Pacing()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for kind in self._kinds.values():
                    if kind.task is None:
                        kind.task = tasks.create_task(kind.cache.run(), name=f"track {kind.resource.plural}")
                await self._changed.wait()

    def use(self, user: ObjectKey, resources: Iterable[Resource]) -> None:
        """From now on `user` manages objects of exactly these kinds; others' needs are not touched."""
        wanted = {resource.group_kind: resource for resource in resources}
        for resource in wanted.values():
            self.need(user, resource)
        for group_kind, kind in list(self._kinds.items()):
            if group_kind not in wanted:
                kind.users.discard(user)
                if not kind.users:
                    self._stop(group_kind)

    def need(self, user: ObjectKey, resource: Resource) -> None:
        """From now on `user` manages objects of this kind too."""
        kind = self._kinds.get(resource.group_kind) or self._start(resource)
        if kind is not None:
            kind.users.add(user)

    def release(self, user: ObjectKey) -> None:
        """The user is gone."""
        self.use(user, ())

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Be told of drift; the returned function ends it. Subscribers must not block."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def subscribe_moves(self, listener: Listener) -> Callable[[], None]:
        """Be told of every change of an owned object, also of its status and by ourselves.

        For waking those who wait for health; what they see then is read by a HealthCheck.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def covers(self, kind: GroupKind) -> bool:
        """Is what we know of this kind complete and fresh?"""
        known = self._kinds.get(kind)
        if known is None or not known.cache.synced.is_set():
            return False
        broken = known.cache.broken_since
        return broken is None or asyncio.get_running_loop().time() - broken < _MAY_BE_BROKEN_SECONDS

    def find(self, kind: GroupKind, key: ObjectKey) -> Sighting | None:
        """What is known of one object; trust it only when the kind is covered."""
        known = self._kinds.get(kind)
        return known.sightings.find(key) if known is not None else None

    def unmoved(self, kind: GroupKind, key: ObjectKey, uid: str, version: str) -> bool:
        """Surely nothing but status has changed since that version."""
        if not self.covers(kind):
            return False
        seen = self.find(kind, key)
        return (
            seen is not None and seen.uid == uid and not seen.leaving and not is_newer(seen.content, version)
        )

    @contextmanager
    def writing(self, resource: Resource, key: ObjectKey) -> Iterator[Answer]:
        """Around a write of ours, so that its echo is not taken for drift."""
        kind = self._kinds.get(resource.group_kind)
        answer = Answer()
        if kind is None:
            yield answer
            return
        kind.sightings.begin(key)
        try:
            yield answer
        finally:
            seen = answer.obj if answer.obj is not None and self._follows(answer.obj) else None
            what = kind.sightings.end(key, seen)
            owner = self._labels.owner_of(answer.obj) if answer.obj is not None else None
            if what is not None and owner is not None:
                self._publish(kind.resource, key, {owner}, what)

    def note(self, resource: Resource, key: ObjectKey, obj: Object) -> None:
        """We have just read or written the object."""
        kind = self._kinds.get(resource.group_kind)
        if kind is not None and self._follows(obj):
            kind.sightings.note(key, obj)

    def _follows(self, obj: Object) -> bool:
        """Will the watch tell of it? Without our label it will not, and what we saw would never age."""
        return self._labels.name in metadata_map(obj, "labels")

    @contextmanager
    def deleting(self, resource: Resource, key: ObjectKey) -> Iterator[None]:
        """Around a deletion of ours, so that the object's going is not taken for drift."""
        kind = self._kinds.get(resource.group_kind)
        if kind is None:
            yield
            return
        kind.sightings.note_leaving(key, leaving=True)
        try:
            yield
        except BaseException:
            kind.sightings.note_leaving(key, leaving=False)
            raise

    def note_repair(self, kind: GroupKind, key: ObjectKey) -> None:
        """Drift of the object was real: it had to be written."""
        repairs = self._pacing.note_repair((kind, key))
        # At 5, 10, 20, 40 ... so that a long fight is heard of, but not all the time.
        doublings, rest = divmod(repairs, FIGHT)
        if rest == 0 and doublings.bit_count() == 1:
            log.warning(
                "somebody keeps undoing what is in git", kind=str(kind), object=str(key), repairs=repairs
            )

    def fights(self) -> list[Fight[tuple[GroupKind, ObjectKey]]]:
        """Objects that somebody else keeps changing back, for logs, events and metrics."""
        return list(self._pacing.fights(asyncio.get_running_loop().time()))

    def _start(self, resource: Resource) -> _Kind | None:
        if len(self._kinds) >= self._max_kinds:
            log.warning("too many kinds to watch for drift", kind=str(resource.group_kind))
            return None
        kind = _Kind(resource, self._client, self._labels)

        def take(change: Change) -> None:
            self._take(kind, change)

        kind.cache.subscribe(take)
        self._kinds[resource.group_kind] = kind
        self._changed.set()
        return kind

    def _stop(self, group_kind: GroupKind) -> None:
        kind = self._kinds.pop(group_kind)
        if kind.task is not None:
            kind.task.cancel()

    def _take(self, kind: _Kind, change: Change) -> None:
        what = kind.sightings.watched(change.key, change.before, change.after)
        found = {self._labels.owner_of(obj) for obj in (change.before, change.after) if obj is not None}
        owners = {owner for owner in found if owner is not None}
        ref = _ref(kind.resource, change.key)
        for owner in owners:
            for listener in list(self._listeners):
                listener(owner, ref)
        if what is not None:
            self._publish(kind.resource, change.key, owners, what)

    def _publish(
        self, resource: Resource, key: ObjectKey, owners: Iterable[ObjectKey], what: Meddling
    ) -> None:
        delay = self._pacing.note((resource.group_kind, key), asyncio.get_running_loop().time())
        for owner in owners:
            for subscriber in list(self._subscribers):
                subscriber(Drift(owner, _ref(resource, key), what, delay))


def _ref(resource: Resource, key: ObjectKey) -> ObjectRef:
    return ObjectRef(resource.api_version, resource.kind, key.namespace, key.name)
