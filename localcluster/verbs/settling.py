"""Writes that may have to wait for webhooks, and those that never do.

The verbs are coroutines that wait only where a webhook is asked: where none is configured a write stays
one step of the event loop. After waiting they look whether the object is still the one they read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

import orjson

from localcluster.status import MODIFIED, Refusal, conflict
from localcluster.store.revision import Obj
from localcluster.verbs.call import Call

ATTEMPTS = 5

T = TypeVar("T")


class Moved(Refusal):
    """The object was written by somebody else while webhooks were asked: 409, or another attempt."""

    def __init__(self, call: Call) -> None:
        resource = call.resource
        told = conflict(resource.plural, resource.group, call.name, MODIFIED)
        super().__init__(told.code, told.reason, told.message, told.details)


async def settled(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run an attempt anew, on the present state, where the object has moved; raises Moved in the end."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except Moved:
            continue
    return await attempt()


def copies_of(obj: Obj) -> Iterator[Obj]:
    """A fresh copy for each attempt, as an attempt changes what it is given."""
    while True:
        yield orjson.loads(orjson.dumps(obj))


def at_once(step: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        step.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    step.close()
    raise RuntimeError("a write of the server itself had to wait")
