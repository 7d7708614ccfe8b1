"""Keys to look at soon, each once however often it is named, worked off one by one on the event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from localcluster.status import Refusal

log = logging.getLogger("localcluster")

K = TypeVar("K", bound=Hashable)
_STEP_SECONDS = 0.003
"""After so long clients get their turn, however much is pending."""

_FIRST_RETRY_SECONDS = 0.05
_LAST_RETRY_SECONDS = 60.0


class Worklist(Generic[K]):
    """`work` is called with each key added, after the present step of the loop; it must not wait.

    Before `start` keys are only gathered. A refusal (somebody else was quicker) drops the key: whatever
    changed the object brings it back. With `retries` a refused key is tried again after pauses that grow:
    what it lacks (a service account, room in a quota) may come to be without a change that it hears of.
    """

    def __init__(self, work: Callable[[K], None], *, retries: bool = False) -> None:
        self._work = work
        self._retries = retries
        self._refused: dict[K, int] = {}
        self._pending: dict[K, None] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._schedule()

    def stop(self) -> None:
        self._loop = None
        self._pending.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._refused.clear()

    def add(self, key: K) -> None:
        self._pending[key] = None
        self._schedule()

    def add_later(self, key: K, seconds: float) -> None:
        """Add the key after so many seconds, or earlier where that was asked for already."""
        if self._loop is None:
            return
        known = self._timers.get(key)
        if known is not None:
            if known.when() <= self._loop.time() + seconds:
                return
            known.cancel()
        self._timers[key] = self._loop.call_later(seconds, self._due, key)

    def _try_again(self, key: K) -> None:
        times = self._refused.get(key, 0)
        self._refused[key] = times + 1
        self.add_later(key, min(_FIRST_RETRY_SECONDS * 2 ** min(times, 20), _LAST_RETRY_SECONDS))

    def _due(self, key: K) -> None:
        del self._timers[key]
        self.add(key)

    def _schedule(self) -> None:
        if self._loop is not None and self._pending and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        end = time.perf_counter() + _STEP_SECONDS
        while self._pending and self._loop is not None and time.perf_counter() < end:
            key = next(iter(self._pending))
            del self._pending[key]
            try:
                self._work(key)
            except Refusal as refusal:
                log.debug("housekeeping_refused key=%s why=%s", key, refusal.message)
                if self._retries:
                    self._try_again(key)
            except Exception:
                log.exception("housekeeping_failed key=%s", key)
            else:
                self._refused.pop(key, None)
        self._schedule()
