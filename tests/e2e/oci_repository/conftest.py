"""source-controller and kustomize-controller, and a registry on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.conftest import Controllers
from tests.e2e.world import World
from tests.fakes.registry import FakeRegistry, fake_registry


@pytest.fixture
def world(world: World, controllers: Controllers) -> World:
    """With controllers that run."""
    assert controllers.source
    return world


@pytest.fixture
async def server() -> AsyncIterator[FakeRegistry]:
    async with fake_registry() as running:
        yield running
