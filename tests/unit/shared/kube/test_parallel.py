import asyncio

import pytest

from shared.kube.errors import NotFound
from shared.kube.parallel import each


async def test_results_come_in_order_and_few_at_once() -> None:
    running = most = 0

    async def act(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001 * (5 - number % 5))
        running -= 1
        return number * 2

    assert await each(range(20), act, at_once=4) == [number * 2 for number in range(20)]
    assert most == 4


async def test_nothing_to_do() -> None:
    async def act(number: int) -> int:
        raise AssertionError(number)

    assert await each([], act, at_once=4) == []


async def test_the_first_failure_stops_the_rest_and_is_raised_alone() -> None:
    begun: list[int] = []

    async def act(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0.001)
        if number == 1:
            raise NotFound(404, "NotFound", "gone")
        await asyncio.sleep(10)

    with pytest.raises(NotFound, match=r"^gone$"):
        await each(range(100), act, at_once=2)
    assert begun == [0, 1]


async def test_cancellation_passes_through() -> None:
    async def act(number: int) -> None:
        await asyncio.sleep(10)

    task = asyncio.create_task(each(range(3), act, at_once=2))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
