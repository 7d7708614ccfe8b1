"""Wait until the objects of a release are ready, or gone (specs/helm.md 12).

A wait is woken by the watches of the tracker; what they do not cover is looked at now and then. Each
has a deadline, and a wait for objects ends as well when nobody needs its answer any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from controllers.helm.actions.errors import WaitCancelled, WaitFailed
from controllers.helm.actions.objects import Placed
from controllers.helm.actions.readers import expires, is_paused, reader_for_hooks, reader_for_objects
from controllers.helm.actions.requests import Wait
from controllers.helm.actions.toolbox import Tools
from shared.kube.errors import KubeError
from shared.kube.health import HealthCheck, HealthOptions, Outcome
from shared.kube.parallel import each
from shared.model.duration import render_duration
from shared.model.meta import ObjectKey, ObjectRef

# Seconds between looks; what is watched wakes us before, what is not costs a request every two seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_MOST_TOLD = 10


async def until_ready(tools: Tools, objects: Sequence[Placed], wait: Wait) -> None:
    """Raises WaitFailed at the first object that failed or when time is up, WaitCancelled on request."""
    if not wait.ready:
        return
    awaited = [item for item in objects if not is_paused(item.desired)]
    tools.on_stage(f"waiting for {len(awaited)} resource(s) for at most {render_duration(wait.timeout)}")
    options = HealthOptions(
        within=wait.timeout.total_seconds(),
        expiring=_expiring(awaited),
        reader=reader_for_objects(wait.reader, jobs=wait.jobs),
        clock=tools.clock,
    )
    await _until_healthy(tools, awaited, options, wait.cancel)


async def until_finished(tools: Tools, hooks: Sequence[Placed], wait: Wait) -> None:
    """Hooks: Jobs and Pods to their end, other kinds only where the users say what ready is.

    Raises WaitFailed.
    """
    reader = reader_for_hooks(wait.reader)
    awaited = [item for item in hooks if reader.judges(item.resource.group_kind)]
    options = HealthOptions(
        within=wait.timeout.total_seconds(),
        fail_fast=False,
        expiring=_expiring(awaited),
        reader=reader,
        clock=tools.clock,
    )
    await _until_healthy(tools, awaited, options, None)


async def until_gone(tools: Tools, objects: Sequence[Placed], wait: Wait) -> None:
    """Raises WaitFailed that names what is still there."""
    deadline = asyncio.get_running_loop().time() + wait.timeout.total_seconds()
    left = list(objects)
    with _woken_by(tools, left) as wake:
        pause = _FIRST_PAUSE / 4
        while True:
            wake.clear()
            left = await _still_there(tools, left)
            if not left:
                return
            if asyncio.get_running_loop().time() >= deadline:
                raise WaitFailed(_not_gone(left, wait))
            async with tools.aside():
                await _pause(pause, wake, None)
            pause = min(pause * 2, _LONGEST_PAUSE)


async def _until_healthy(
    tools: Tools, awaited: Sequence[Placed], options: HealthOptions, cancel: asyncio.Event | None
) -> None:
    if not awaited:
        return
    refs = [item.ref for item in awaited]
    check = HealthCheck(tools.client, tools.discovery, tools.tracker, refs, options)
    pause = _FIRST_PAUSE
    with _woken_by(tools, awaited) as wake:
        while True:
            wake.clear()
            verdict = await check.evaluate()
            if verdict.outcome is Outcome.HEALTHY:
                return
            if verdict.outcome is Outcome.FAILED:
                raise WaitFailed(verdict.message)
            if cancel is not None and cancel.is_set():
                raise WaitCancelled(f"the wait was ended with {len(verdict.waiting)} objects not ready")
            async with tools.aside():
                await _pause(min(pause, max(options.within - check.elapsed, 0.01)), wake, cancel)
            pause = min(pause * 2, _LONGEST_PAUSE)


@contextmanager
def _woken_by(tools: Tools, objects: Iterable[Placed]) -> Iterator[asyncio.Event]:
    """An event that is set whenever one of the objects moves."""
    wake = asyncio.Event()
    ours = {item.identity for item in objects}

    def listen(_owner: ObjectKey, ref: ObjectRef) -> None:
        if (ref.group_kind, ref.key) in ours:
            wake.set()

    unsubscribe = tools.tracker.subscribe_moves(listen)
    try:
        yield wake
    finally:
        unsubscribe()


async def _pause(seconds: float, wake: asyncio.Event, cancel: asyncio.Event | None) -> None:
    """Until one of the events is set, at most `seconds`."""
    waits = [asyncio.ensure_future(event.wait()) for event in (wake, cancel) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pending in waits:
            pending.cancel()


async def _still_there(tools: Tools, objects: Sequence[Placed]) -> list[Placed]:
    async def look(item: Placed) -> bool:
        try:
            return await tools.client.find(item.resource, item.key.namespace, item.key.name) is not None
        except KubeError:
            return True  # a server that does not answer says nothing

    found = await each(objects, look, at_once=tools.concurrency)
    return [item for item, there in zip(objects, found, strict=True) if there]


def _not_gone(left: Sequence[Placed], wait: Wait) -> str:
    names = ", ".join(str(item.ref) for item in left[:_MOST_TOLD])
    more = f" and {len(left) - _MOST_TOLD} more" if len(left) > _MOST_TOLD else ""
    return f"not deleted after {render_duration(wait.timeout)}: {names}{more}"


def _expiring(objects: Iterable[Placed]) -> frozenset[ObjectRef]:
    return frozenset(item.ref for item in objects if expires(item.desired))
