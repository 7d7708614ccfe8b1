"""source-controller, and a chart repository on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.conftest import Controllers
from tests.e2e.world import World
from tests.fakes.chart_repository import ChartRepository, chart_repository
from tests.fakes.object_store import MotoServer, moto_server


@pytest.fixture
def world(world: World, controllers: Controllers) -> World:
    """With controllers that run."""
    assert controllers.source
    return world


@pytest.fixture
async def server() -> AsyncIterator[ChartRepository]:
    async with chart_repository() as running:
        yield running


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with moto_server(tmp_path_factory.mktemp("moto")) as running:
        yield running
