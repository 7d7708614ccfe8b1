"""Keys that want attention: each once, never in two hands, failing ones later and later.

Before: caches and timers add keys. After: workers take them. The semantics are those of a
Kubernetes work queue (specs/runtime.md 14), with one clock: the event loop's.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_MAX_DOUBLINGS = 60


class Queue(Generic[K]):
    """`min_delay` and `max_delay` are seconds: delay = min(min_delay * 2**failures, max_delay)."""

    def __init__(self, *, min_delay: float, max_delay: float) -> None:
        self._min_delay, self._max_delay = min_delay, max_delay
        self._ready: OrderedDict[K, float] = OrderedDict()
        self._in_hand: set[K] = set()
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
        if key in self._in_hand:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = self._now()
            self._changed.set()

    def add_after(self, key: K, seconds: float) -> None:
        """No later than that; an earlier appointment stays."""
        if self._closed:
            return
        due = self._now() + max(seconds, 0.0)
        if self._due.get(key, float("inf")) <= due or key in self._ready:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._ticket), key))
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

    def in_hand(self, key: K) -> bool:
        return key in self._in_hand

    def wanted_again(self, key: K) -> bool:
        """Was it added while in hand?"""
        return key in self._again

    async def take(self) -> tuple[K, float]:
        """The next key and the seconds it waited; `done` must follow. Raises QueueClosed."""
        while True:
            self._promote()
            if self._ready:
                key, since = self._ready.popitem(last=False)
                self._in_hand.add(key)
                return key, self._now() - since
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
        self._in_hand.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def close(self) -> None:
        """Nothing comes in or out any more; keys in hand may be finished."""
        self._closed = True
        self._ready.clear()
        self._due.clear()
        self._heap.clear()
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
