"""source-controller, and a chart repository on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.conftest import Controllers
from tests.e2e.world import World
from tests.fakes.chart_repository import ChartRepository, chart_repository


@pytest.fixture
def world(world: World, controllers: Controllers) -> World:
    """With controllers that run."""
    assert controllers.source
    return world


@pytest.fixture
async def server() -> AsyncIterator[ChartRepository]:
    async with chart_repository() as running:
        yield running
