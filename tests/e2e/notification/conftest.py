"""Three controllers as three processes: two that post events, and one that hears them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from shared.model.kinds import ALERT, PROVIDER, RECEIVER, SECRET
from shared.model.meta import Object
from tests.e2e.conftest import Cluster, Controllers, start_controllers
from tests.e2e.processes import ControllerProgram, controller, free_port
from tests.e2e.world import RUN_LABEL, World
from tests.fakes.webhook_sink import Sink, running_sink


@dataclass
class Notification:
    program: ControllerProgram
    events_url: str
    hooks_url: str


@pytest.fixture(scope="session")
def notification(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Notification]:
    events, hooks = free_port(), free_port()
    program = controller(
        "notification",
        cluster.kubeconfig,
        tmp_path_factory.mktemp("notification"),
        f"--watch-label-selector={RUN_LABEL}={run_id}",
        f"--events-addr=127.0.0.1:{events}",
        f"--receiverAddr=127.0.0.1:{hooks}",
    )
    program.start()
    yield Notification(program, f"http://127.0.0.1:{events}/", f"http://127.0.0.1:{hooks}")
    assert program.stop() == 0, program.tail()


@pytest.fixture(scope="session")
def telling_controllers(
    cluster: Cluster, notification: Notification, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controllers]:
    """Source and kustomize of their own shard, which post their events."""
    folder = tmp_path_factory.mktemp("telling")
    both = start_controllers(cluster, f"{run_id}-t", folder, f"--events-addr={notification.events_url}")
    yield both
    for program in (both.kustomize, both.source):
        assert program.stop() == 0, program.tail()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with running_sink() as started:
        yield started


@dataclass
class Words:
    """Objects of the notification group, in the test's namespace."""

    world: World

    async def make(self, kind: str, name: str, **spec: object) -> Object:
        resource = {"Alert": ALERT, "Provider": PROVIDER, "Receiver": RECEIVER}[kind]
        return await self.world._make(resource, name, spec)

    async def secret(self, name: str, **data: str) -> None:
        metadata = {"name": name, "namespace": self.world.namespace}
        obj = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        await self.world.client.create(SECRET, obj)


@pytest.fixture
def words(world: World, notification: Notification) -> Words:
    return Words(world)
