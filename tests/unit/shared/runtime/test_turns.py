"""Who waits gives his turn away, and gets one back."""

from __future__ import annotations

import asyncio

import pytest

from shared.runtime.turns import Turns


async def test_a_wait_lets_others_work() -> None:
    turns, ready, log = Turns(1), asyncio.Event(), []

    async def waiting() -> None:
        await turns.take()
        async with turns.standing_aside():
            log.append("waits")
            await ready.wait()
        log.append("goes on")
        turns.give_back()

    async def working() -> None:
        await turns.take()
        log.append("works")
        ready.set()
        turns.give_back()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(waiting())
        tasks.create_task(working())
    assert log == ["waits", "works", "goes on"]
    assert turns.aside == 0


async def test_too_many_keep_their_turns() -> None:
    turns = Turns(1, most_aside=0)
    await turns.take()
    async with turns.standing_aside():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(turns.take(), 0.01)


async def test_one_who_is_cancelled_while_he_waits_leaves_as_many_turns_as_before() -> None:
    turns = Turns(1)

    async def waiting() -> None:
        await turns.take()
        try:
            async with turns.standing_aside():
                await asyncio.Event().wait()
        finally:
            turns.give_back()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    await turns.take()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    turns.give_back()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(turns.take(), 1)
