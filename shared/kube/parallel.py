"""Do the same to many things, a few at a time, and stop all when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def each(items: Iterable[T], act: Callable[[T], Awaitable[R]], *, at_once: int) -> list[R]:
    """The results in the order of the items. The first failure cancels the rest and is raised alone."""
    pending = list(enumerate(items))
    results: dict[int, R] = {}
    position = iter(pending)

    async def work() -> None:
        for index, item in position:
            results[index] = await act(item)

    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(min(at_once, len(pending))):
                tasks.create_task(work(), name=f"{getattr(act, '__name__', 'act')}#{number}")
    except BaseExceptionGroup as group:
        raise _first(group) from None
    return [results[index] for index, _ in pending]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
