"""A controller as a process: log, connect, elect, serve, work; and stop in the opposite order.

Everything runs in one task group: when any part dies the process ends with status 1, and Kubernetes
starts it again. SIGTERM and SIGINT end it with status 0 after a graceful stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import structlog

from shared.kube.access import NoAccess, connect
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.runtime.controller import Controller, lease_name
from shared.runtime.events import Recorder
from shared.runtime.flags import RuntimeSettings
from shared.runtime.leader import Leadership, LeadershipLost, LeaseTimes
from shared.runtime.log_setup import set_up
from shared.runtime.metrics import Metrics
from shared.runtime.probes import health_app, metrics_app, serving
from shared.runtime.services import Services

log = structlog.get_logger()

_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process runs once it leads: controllers, tasks that never end, and what is open meanwhile.

    `servers` are entered in order before the controllers start, and left after they stopped.
    """

    controllers: Sequence[Controller[Any]]
    servers: Sequence[AbstractAsyncContextManager[object]] = ()
    tasks: Sequence[Callable[[], Awaitable[None]]] = ()


Assemble = Callable[[Services], Parts]


def _nothing(_services: Services) -> Parts:
    return Parts([])


def run(
    settings: RuntimeSettings, assemble: Assemble, *, everywhere: Assemble = _nothing, grace: float = 30.0
) -> int:
    """Run until a signal; returns the exit status. `grace`: seconds for work in hand at the end.

    The servers and tasks of `everywhere` run whether this process leads or not.
    """
    set_up(settings.log_level, settings.log_encoding)
    status = 0
    try:
        asyncio.run(_main(settings, assemble, everywhere, grace))
    except* (NoAccess, LeadershipLost, OSError) as group:
        log.error("cannot go on", error="; ".join(str(error) for error in _leaves(group)))
        status = 1
    except* Exception:
        log.exception("the process died of a bug")
        status = 1
    return status


async def _main(settings: RuntimeSettings, assemble: Assemble, everywhere: Assemble, grace: float) -> None:
    stop = _stop_on_signals()
    connection = await connect(settings.kubeconfig)
    metrics = Metrics()
    client = KubeClient(
        connection,
        user_agent=f"{settings.name}/headwater",
        observer=metrics.request_observer(connection.base_url.rpartition("/")[2]),
    )
    recorder = Recorder(client, controller=settings.name, events_addr=settings.events_addr)
    services = Services(client, Discovery(client), recorder, metrics, settings)
    try:
        async with (
            serving(metrics_app(metrics), settings.metrics_addr),
            serving(health_app(), settings.health_addr),
            _always(services, everywhere(services)),
        ):
            await _lead(services, assemble, stop, grace)
    finally:
        await client.close()
    log.info("stopped")


@contextlib.asynccontextmanager
async def _always(services: Services, parts: Parts) -> AsyncIterator[None]:
    """Record events and run these servers and tasks until the block ends; the events go last."""
    async with asyncio.TaskGroup() as tasks:
        recording = tasks.create_task(services.recorder.run(), name="record events")
        async with contextlib.AsyncExitStack() as servers:
            for server in parts.servers:
                await servers.enter_async_context(server)
            others = [tasks.create_task(_forever(task), name="task") for task in parts.tasks]
            yield
            for task in others:
                task.cancel()
        await services.recorder.drain(_DRAIN_SECONDS)
        recording.cancel()


async def _lead(services: Services, assemble: Assemble, stop: asyncio.Event, grace: float) -> None:
    settings = services.settings
    if not settings.leader_election:
        await _work(assemble(services), stop, grace)
        return
    lease = lease_name(settings.name, settings.label_selector)
    times = LeaseTimes(settings.lease_duration, settings.renew_deadline, settings.retry_period)
    leadership = Leadership(
        services.client, namespace=settings.own_namespace or "flux-system", name=lease, times=times
    )

    def observe(leader: bool) -> None:  # noqa: FBT001 - a callback with one meaning
        services.metrics.leading(lease, leader=leader)

    observe(False)
    if not await _first(leadership.acquire(), stop):
        await leadership.release()
        return
    async with asyncio.TaskGroup() as tasks:
        holding = tasks.create_task(leadership.hold(observe), name="hold lease")
        await _work(assemble(services), stop, grace)
        holding.cancel()
    if settings.release_on_cancel:
        await leadership.release()


async def _work(parts: Parts, stop: asyncio.Event, grace: float) -> None:
    async with contextlib.AsyncExitStack() as servers, asyncio.TaskGroup() as tasks:
        for server in parts.servers:
            await servers.enter_async_context(server)
        others = [tasks.create_task(_forever(task), name="task") for task in parts.tasks]
        running = [
            tasks.create_task(controller.run(stop, grace=grace), name=f"run {controller.kind.resource.kind}")
            for controller in parts.controllers
        ]
        log.info("started", controllers=[c.kind.resource.kind for c in parts.controllers])
        # What lives as long as the process need not be walked by the garbage collector.
        gc.collect()
        gc.freeze()
        await stop.wait()
        log.info("stopping")
        await asyncio.wait(running)
        for task in others:
            task.cancel()


async def _forever(task: Callable[[], Awaitable[None]]) -> None:
    await task()


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    """What really went wrong, however many task groups it passed."""
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


async def _first(work: Any, stop: asyncio.Event) -> bool:
    """Whether `work` ended before the signal to stop came."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    done, pending = await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if working in done:
        working.result()
        return True
    return False


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
