"""Queues between events and providers: one for each provider, so that none waits for another.

Before: intake.py decides who hears of an event. After: deliver.py speaks to the provider. Order is kept
within a provider; while one is down its queue waits, bounded in number, size and time. Going beyond
the contract (specs/notification.md 8.3), where a delivery ends with the timeout of the Provider.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from controllers.notification.event import Event
from controllers.notification.outgoing import DeliveryFailed, Unavailable
from shared.model.meta import Object, ObjectKey

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """One event for one provider, on behalf of an alert; `alert` is the whole object."""

    provider: ObjectKey
    alert: Object
    event: Event


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. `patience`: how long one event is tried; `size`: characters of all queues."""

    queue: int = 1_000
    size: int = 64 * 1024 * 1024
    first_pause: float = 2.0
    longest_pause: float = 30.0
    patience: float = 900.0
    drain: float = 5.0


@dataclass(slots=True)
class _Line:
    jobs: deque[Job] = field(default_factory=deque)
    worker: asyncio.Task[None] | None = None


Deliver = Callable[[Job], Awaitable[None]]


class Failed(Protocol):
    """Hears of a job's first failure, and of its last, which is `final`."""

    def __call__(self, job: Job, error: DeliveryFailed, *, final: bool) -> None: ...


class Dispatcher:
    """`deliver` raises DeliveryFailed, and nothing else but for bugs."""

    def __init__(
        self, deliver: Deliver, failed: Failed, delivered: Callable[[Job], None], limits: Limits | None = None
    ) -> None:
        self._deliver, self._failed, self._delivered = deliver, failed, delivered
        self._limits = limits or Limits()
        self._lines: dict[ObjectKey, _Line] = {}
        self._size = 0

    def __len__(self) -> int:
        """Jobs that wait or are being delivered."""
        return sum(len(line.jobs) for line in self._lines.values())

    def submit(self, job: Job) -> None:
        """Queue it; never blocks. What finds no room is reported as failed."""
        line = self._lines.setdefault(job.provider, _Line())
        limits = self._limits
        if len(line.jobs) >= limits.queue or self._size + job.event.size > limits.size:
            self._failed(
                job, DeliveryFailed("too many notifications are waiting for this provider"), final=True
            )
            return
        line.jobs.append(job)
        self._size += job.event.size
        if line.worker is None:
            line.worker = asyncio.create_task(self._work(job.provider, line), name=f"notify {job.provider}")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end, what waits gets a last chance; then it is gone, and the log says so."""
        try:
            yield
        finally:
            workers = [line.worker for line in self._lines.values() if line.worker is not None]
            if workers:
                await asyncio.wait(workers, timeout=self._limits.drain)
            if len(self):
                log.error("notifications were still waiting at the end", count=len(self))
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, key: ObjectKey, line: _Line) -> None:
        """Ends when the queue is empty; a later job starts another one."""
        try:
            while line.jobs:
                job = line.jobs[0]
                await self._insist(job)
                line.jobs.popleft()
                self._size -= job.event.size
        finally:
            line.worker = None
            if not line.jobs:
                self._lines.pop(key, None)

    async def _insist(self, job: Job) -> None:
        """Try until it is delivered, refused or too old."""
        clock, limits = asyncio.get_running_loop().time, self._limits
        started, pause, told = clock(), limits.first_pause, False
        while True:
            try:
                await self._deliver(job)
            except Unavailable as error:
                wait = max(pause, error.retry_after or 0.0)
                if clock() + wait - started > limits.patience:
                    self._failed(job, error, final=True)
                    return
                if not told:
                    self._failed(job, error, final=False)
                    told = True
                await asyncio.sleep(wait)
                pause = min(pause * 2, limits.longest_pause)
            except DeliveryFailed as error:
                self._failed(job, error, final=True)
                return
            except Exception:
                log.exception("bug while notifying", provider=str(job.provider))
                bug = DeliveryFailed("internal error: see the controller's log")
                self._failed(job, bug, final=True)
                return
            else:
                self._delivered(job)
                return
