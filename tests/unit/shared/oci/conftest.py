from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.registry import FakeRegistry, fake_registry


@pytest.fixture
async def server() -> AsyncIterator[FakeRegistry]:
    async with fake_registry() as running:
        yield running
