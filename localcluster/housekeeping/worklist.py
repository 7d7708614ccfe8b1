"""Keys to look at soon, each once however often it is named, worked off one by one on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from localcluster.status import Refusal

log = logging.getLogger("localcluster")

K = TypeVar("K", bound=Hashable)
_BATCH = 64


class Worklist(Generic[K]):
    """`work` is called with each key added, after the present step of the loop; it must not wait.

    Before `start` keys are only gathered. A refusal (somebody else was quicker) drops the key: whatever
    changed the object brings it back.
    """

    def __init__(self, work: Callable[[K], None]) -> None:
        self._work = work
        self._pending: dict[K, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._schedule()

    def stop(self) -> None:
        self._loop = None
        self._pending.clear()

    def add(self, key: K) -> None:
        self._pending[key] = None
        self._schedule()

    def add_later(self, key: K, seconds: float) -> None:
        if self._loop is not None:
            self._loop.call_later(seconds, self.add, key)

    def _schedule(self) -> None:
        if self._loop is not None and self._pending and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        for key in list(self._pending)[:_BATCH]:
            del self._pending[key]
            try:
                self._work(key)
            except Refusal as refusal:
                log.debug("housekeeping_refused key=%s why=%s", key, refusal.message)
            except Exception:
                log.exception("housekeeping_failed key=%s", key)
        self._schedule()
