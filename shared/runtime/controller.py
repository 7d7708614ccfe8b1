"""One kind, run: watch -> queue -> attempts, as many at a time as there are turns.

Before: a cache tells what changed. After: attempt.py reconciles, and the outcome decides when the key
comes back. A controller owns its kind's cache; other caches wake it through `wake`.

Example, the whole wiring of a kind (controllers/<name>/__main__.py):

    kind = Kind(resource=GIT_REPOSITORY, parse=GitRepository.parse, reconcile=..., finalize=..., ...)
    controller = Controller(kind, runtime)
    controller.woken_by(some_cache, lambda change: [ObjectKey(...), ...])
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from shared.kube.cache import Cache, Change
from shared.model.meta import REQUESTED_AT, Object, ObjectKey
from shared.runtime.attempt import Attempt, Next
from shared.runtime.flags import RuntimeSettings
from shared.runtime.kind import Kind
from shared.runtime.queue import Queue, QueueClosed
from shared.runtime.services import Services
from shared.runtime.turns import Turns

T = TypeVar("T")
log = structlog.get_logger()

# An object whose interval is nothing must not keep the loop from everything else.
_SHORTEST_PAUSE = 0.05

Wakes = Callable[[Change], Iterable[ObjectKey]]


class Controller(Generic[T]):
    """`forget`, where given, is told of objects that are gone, so that memories of them can go too.

    `turns` is for reconciles that stand aside while they wait; without it nobody does.
    """

    def __init__(
        self,
        kind: Kind[T],
        services: Services,
        *,
        forget: Callable[[ObjectKey], None] | None = None,
        turns: Turns | None = None,
    ) -> None:
        settings = services.settings
        self.kind = kind
        self.cache = Cache(
            services.client,
            kind.resource,
            namespace=settings.namespace,
            label_selector=settings.label_selector,
        )
        self._settings: RuntimeSettings = settings
        self._metrics = services.metrics
        self._forget = forget
        self._turns = turns or Turns(settings.concurrent)
        self._in_hand: set[asyncio.Task[None]] = set()
        self._attempt: Attempt[T] = Attempt(kind, services.client, services.recorder.tell)
        self._queue: Queue[ObjectKey] = Queue(
            min_delay=settings.min_retry_delay.total_seconds(),
            max_delay=settings.max_retry_delay.total_seconds(),
            added=partial(services.metrics.added, kind.resource.kind),
        )
        services.metrics.follow_queue(kind.resource.kind, self._queue.state)
        # Our own latest writes: the cache hears of them a moment later.
        self._written: dict[ObjectKey, Object] = {}
        self._caches = [self.cache]
        self.cache.subscribe(self._own_changed)

    def woken_by(self, cache: Cache, wakes: Wakes) -> None:
        """Run that cache too, and reconcile the objects `wakes` names when something in it changes."""

        def changed(change: Change) -> None:
            for key in wakes(change):
                self.wake(key)

        cache.subscribe(changed)
        if cache not in self._caches:
            self._caches.append(cache)

    def wake(self, key: ObjectKey) -> None:
        """Reconcile soon, if it is one of ours."""
        if self.find(key) is not None:
            self._queue.add(key)

    def wake_after(self, key: ObjectKey, seconds: float) -> None:
        """Reconcile no later than that, if it is one of ours."""
        if seconds <= 0:
            self.wake(key)
        elif self.find(key) is not None:
            self._queue.add_after(key, seconds)

    def find(self, key: ObjectKey) -> Object | None:
        """The object as last seen or written, whichever is newer."""
        cached, written = self.cache.find(key), self._written.get(key)
        if written is None or cached is None:
            return cached
        if _version(cached) >= _version(written):
            self._written.pop(key, None)
            return cached
        return written

    def woken_again(self, key: ObjectKey) -> bool:
        """Has something changed for the object while it is being reconciled?"""
        return self._queue.wanted_again(key)

    async def run(self, stop: asyncio.Event, *, grace: float) -> None:
        """Work until `stop`; then finish what is in hand, for at most `grace` seconds."""
        name = self.kind.resource.kind
        self._metrics.workers(name, self._settings.concurrent)
        async with asyncio.TaskGroup() as tasks:
            watches = [
                tasks.create_task(cache.run(), name=f"watch {cache.resource.plural}")
                for cache in self._caches
            ]
            handing_out = tasks.create_task(self._hand_out(tasks), name=f"hand out {name}")
            await stop.wait()
            self._queue.close()
            working = [handing_out, *self._in_hand]
            _, busy = await asyncio.wait(working, timeout=grace if self._synced else 0)
            for task in [*busy, *watches]:
                task.cancel()

    def _own_changed(self, change: Change) -> None:
        before, after = change.before, change.after
        if after is None:
            self._queue.forget(change.key)
            self._written.pop(change.key, None)
            self._metrics.forget(self.kind.resource.kind, change.key.namespace, change.key.name)
            if self._forget is not None:
                self._forget(change.key)
        elif before is None or _worth_a_look(before, after):
            self._queue.add(change.key)

    @property
    def _synced(self) -> bool:
        return all(cache.synced.is_set() for cache in self._caches)

    async def _hand_out(self, tasks: asyncio.TaskGroup) -> None:
        """Each key that wants attention to a task of its own, once there is a turn for it."""
        for cache in self._caches:
            await cache.synced.wait()
        while True:
            await self._turns.take()
            try:
                key, waited = await self._queue.take()
            except QueueClosed:
                return
            self._metrics.taken(self.kind.resource.kind, waited)
            task = tasks.create_task(self._work(key), name=f"{self.kind.resource.kind} {key}")
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)

    async def _work(self, key: ObjectKey) -> None:
        kind, taken = self.kind.resource.kind, time.monotonic()
        self._metrics.working(kind, 1)
        try:
            obj = self.find(key)
            if obj is not None:
                await self._reconcile(key, obj)
        finally:
            self._metrics.working(kind, -1)
            self._metrics.worked(kind, time.monotonic() - taken)
            self._queue.done(key)
            self._turns.give_back()

    async def _reconcile(self, key: ObjectKey, obj: Object) -> None:
        resource, started = self.kind.resource, time.monotonic()
        who = {"name": key.name, "namespace": key.namespace}
        with bound_contextvars(
            controller=resource.kind.lower(),
            controllerGroup=resource.group,
            controllerKind=resource.kind,
            **who,
            **{resource.kind: who},
            reconcileID=str(uuid.uuid4()),
        ):
            verdict = await self._attempt.run(obj)
        seconds = time.monotonic() - started
        self._metrics.reconciled(
            resource.kind, key.namespace, key.name, result=verdict.result, seconds=seconds
        )
        self._metrics.failed(resource.kind, terminal=verdict.terminal, bug=verdict.bug)
        self._schedule(key, verdict)

    def _schedule(self, key: ObjectKey, verdict: Next) -> None:
        cached = self.cache.find(key)
        # A deletion may be in the cache before the pass that caused it ends: then nothing is kept.
        if verdict.latest is not None and cached is not None and _is_same(cached, verdict.latest):
            self._written[key] = verdict.latest
        if verdict.gone:
            # Not `forget`: a successor of that name may have been added meanwhile.
            self._queue.forgive(key)
            self._metrics.forget(self.kind.resource.kind, key.namespace, key.name)
        elif verdict.failed:
            self._metrics.retried(self.kind.resource.kind)
            self._queue.add_failed(key)
        else:
            self._queue.forgive(key)
            if verdict.after is not None:
                delay = max(verdict.after.total_seconds(), _SHORTEST_PAUSE)
                self._queue.add_after(
                    key, jitter(delay, self._settings.jitter) if verdict.jittered else delay
                )


def jitter(seconds: float, share: float) -> float:
    """Spread over seconds ± share, uniformly."""
    return seconds * (1 + share * (2 * random.random() - 1))  # noqa: S311 - spreads load, hides nothing


def lease_name(controller: str, label_selector: str) -> str:
    """Shards elect their leaders apart (specs/runtime.md 7.3)."""
    suffix = f"-{hashlib.sha256(label_selector.encode()).hexdigest()[:8]}" if label_selector else ""
    return f"{controller}-leader-election{suffix}"


def _worth_a_look(before: Object, after: Object) -> bool:
    """Another object, a new generation or a new request; status and other metadata are nobody's orders."""
    old, new = before["metadata"], after["metadata"]
    requested = (new.get("annotations") or {}).get(REQUESTED_AT)
    return (
        not _is_same(before, after)
        or old.get("generation") != new.get("generation")
        or old.get("deletionTimestamp") != new.get("deletionTimestamp")
        or (requested is not None and requested != (old.get("annotations") or {}).get(REQUESTED_AT))
    )


def _is_same(one: Object, other: Object) -> bool:
    """The same object, and not another of its name."""
    return bool(one["metadata"].get("uid") == other["metadata"].get("uid"))


def _version(obj: Object) -> int:
    # Comparable as integers since Kubernetes 1.35 (KEP-5504), and in practice always.
    version = obj["metadata"].get("resourceVersion", "0")
    return int(version) if version.isdigit() else 0
