"""Keys that want attention: each once, never in two hands, failing ones later and later.

Before: caches and timers add keys. After: workers take them. The semantics are those of a
Kubernetes work queue (specs/runtime.md 14), with one clock: the event loop's.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_MAX_DOUBLINGS = 60
# Appointments that were replaced stay in the heap until it has that many more than are due.
_STALE_BOUND = 1_000


@dataclass(frozen=True, slots=True)
class QueueState:
    """Keys that wait; seconds that all keys in hand have been there together, and the longest of them."""

    depth: int
    unfinished: float
    longest: float


class Queue(Generic[K]):
    """`min_delay` and `max_delay` are seconds: delay = min(min_delay * 2**failures, max_delay).

    `added` is called for every key that comes in, also while it is in hand.
    """

    def __init__(
        self, *, min_delay: float, max_delay: float, added: Callable[[], None] = lambda: None
    ) -> None:
        self._added = added
        self._min_delay, self._max_delay = min_delay, max_delay
        self._ready: OrderedDict[K, float] = OrderedDict()
        self._in_hand: dict[K, float] = {}
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._ticket = itertools.count()
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, key: K) -> None:
        """As soon as possible; once more after the current attempt if it is in hand."""
        if self._closed:
            return
        self._due.pop(key, None)
        if key in self._again or key in self._ready:
            return
        self._added()
        if key in self._in_hand:
            self._again.add(key)
        else:
            self._make_ready(key)

    def add_after(self, key: K, seconds: float) -> None:
        """No later than that; an earlier appointment stays."""
        if self._closed:
            return
        due = self._now() + max(seconds, 0.0)
        if self._due.get(key, float("inf")) <= due or key in self._ready:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._ticket), key))
        if len(self._heap) > len(self._due) + _STALE_BOUND:
            self._heap = [item for item in self._heap if self._due.get(item[2]) == item[0]]
            heapq.heapify(self._heap)
        self._changed.set()

    def add_failed(self, key: K) -> float:
        """Later each time; returns the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay: float = min(self._min_delay * 2 ** min(failures, _MAX_DOUBLINGS), self._max_delay)
        self.add_after(key, delay)
        return delay

    def forgive(self, key: K) -> None:
        """The next failure starts from the shortest delay again."""
        self._failures.pop(key, None)

    def forget(self, key: K) -> None:
        """The object is gone."""
        self._failures.pop(key, None)
        self._due.pop(key, None)
        self._again.discard(key)
        self._ready.pop(key, None)

    def wanted_again(self, key: K) -> bool:
        """Was it added while in hand?"""
        return key in self._again

    async def take(self) -> tuple[K, float]:
        """The next key and the seconds it waited; `done` must follow. Raises QueueClosed."""
        while True:
            self._promote()
            if self._ready:
                key, since = self._ready.popitem(last=False)
                now = self._now()
                self._in_hand[key] = now
                return key, now - since
            if self._closed:
                raise QueueClosed
            self._changed.clear()
            pause = self._heap[0][0] - self._now() if self._heap else None
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def done(self, key: K) -> None:
        self._in_hand.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            if not self._closed:
                self._make_ready(key)

    def close(self) -> None:
        """Nothing comes in or out any more; keys in hand may be finished."""
        self._closed = True
        self._ready.clear()
        self._due.clear()
        self._heap.clear()
        self._changed.set()

    def state(self) -> QueueState:
        now = self._now()
        held = [now - since for since in self._in_hand.values()]
        return QueueState(len(self._ready), sum(held), max(held, default=0.0))

    def _make_ready(self, key: K) -> None:
        self._ready[key] = self._now()
        self._changed.set()

    def _promote(self) -> None:
        now = self._now()
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                self.add(key)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class QueueClosed(Exception):
    """The process is stopping."""
