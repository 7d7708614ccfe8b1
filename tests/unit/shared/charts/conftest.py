"""One engine for all tests of a file, as a worker takes a while to start; so these files share an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.charts.engine import Engine


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(size=1)
    async with engine.serve():
        yield engine
