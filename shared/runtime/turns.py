"""How many objects of a kind are worked on at a time, while many more may wait.

A reconcile that has to wait for the cluster inside of an action, and cannot end and come back, gives its
turn to another object meanwhile: things that are not ready in one place do not slow down all others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

# What waits holds its object, and whatever else it needs to go on.
_MOST_ASIDE = 200


class Turns:
    """`count` at a time. One who stands aside has no turn, until all before him in line have had one."""

    def __init__(self, count: int, *, most_aside: int = _MOST_ASIDE) -> None:
        self._free = asyncio.Semaphore(count)
        self._most_aside = most_aside
        self._aside = 0

    @property
    def aside(self) -> int:
        """How many stand aside now."""
        return self._aside

    async def take(self) -> None:
        await self._free.acquire()

    def give_back(self) -> None:
        self._free.release()

    @contextlib.asynccontextmanager
    async def standing_aside(self) -> AsyncIterator[None]:
        """For a wait, by who has a turn. When too many stand aside already, he keeps it."""
        if self._aside >= self._most_aside:
            yield
            return
        self._aside += 1
        self.give_back()
        try:
            yield
        finally:
            self._aside -= 1
            await self._resume()

    async def _resume(self) -> None:
        """Also when cancelled: whoever had a turn gives one back, so he must have one again."""
        resuming = asyncio.ensure_future(self.take())
        cancelled: asyncio.CancelledError | None = None
        while not resuming.done():
            try:
                await asyncio.shield(resuming)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
