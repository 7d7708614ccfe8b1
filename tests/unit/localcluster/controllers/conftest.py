"""A cluster with its simulated controllers, in the test's own process and without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from localcluster.controllers.settings import WorkloadSettings
from localcluster.inprocess import InProcess
from localcluster.process import Server, Settings

Obj = dict[str, Any]
DELAY = 0.02
SECONDS = 10.0


@dataclass(frozen=True)
class Simulation:
    """The cluster as somebody who watches it sees it."""

    api: InProcess

    async def see(
        self, kind: tuple[str, str], name: str, holds: Callable[[Obj], Any] = lambda _: True
    ) -> Obj:
        """The object, once that is true of it."""
        found: Obj | None = None
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    found = await self.api.get(*kind, name, "default")
                    if found is not None and holds(found):
                        return found
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"it did not come about: {found}") from None

    async def until(self, holds: Callable[[], Awaitable[Any]]) -> None:
        async with asyncio.timeout(SECONDS):
            while not await holds():
                await asyncio.sleep(0.005)

    async def list(self, kind: tuple[str, str], selector: str = "") -> list[Obj]:
        return await self.api.list(*kind, "default", label_selector=selector)

    async def names(self, kind: tuple[str, str], selector: str = "") -> list[str]:
        return [each["metadata"]["name"] for each in await self.list(kind, selector)]

    async def edit(self, kind: tuple[str, str], name: str, edit: Callable[[Obj], Any]) -> Obj:
        obj = await self.api.get(*kind, name, "default")
        assert obj is not None
        edit(obj)
        return await self.api.update(obj)


@pytest.fixture
async def simulation() -> AsyncIterator[Simulation]:
    settings = Settings("token", insecure_http=True, workloads=WorkloadSettings(delay=DELAY))
    async with Server(settings) as server:
        yield Simulation(InProcess(server.cluster, "tester"))
