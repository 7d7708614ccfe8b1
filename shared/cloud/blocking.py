"""Calls of libraries that block, in a thread and within a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from shared.cloud.errors import CloudError
from shared.logic.redact import redact

T = TypeVar("T")
SECONDS = 10.0
_MAX_MESSAGE = 300


async def call(what: str, work: Callable[[], T], *, seconds: float = SECONDS) -> T:
    """Raises CloudError with one line of what the library says, or when it takes too long.

    A call that is late is left to end by its own time limits: a thread cannot be stopped.
    """
    try:
        return await asyncio.wait_for(asyncio.to_thread(work), seconds)
    except CloudError:
        raise
    except TimeoutError as error:
        raise CloudError(f"{what} did not answer within {seconds:g} seconds") from error
    except Exception as error:
        raise CloudError(f"{what}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return redact(text)[:_MAX_MESSAGE]
