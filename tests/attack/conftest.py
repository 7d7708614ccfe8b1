"""A cluster, a kustomize-controller and a server of hostile artifacts, for the whole session."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.kube.client import KubeClient
from tests.attack.arena import Arena
from tests.attack.artifact_server import ArtifactServer, serving
from tests.e2e.conftest import Cluster, client, cluster, run_id, world
from tests.e2e.processes import ControllerProgram, controller
from tests.e2e.world import RUN_LABEL, World

__all__ = ["client", "cluster", "run_id", "world"]


@pytest.fixture(scope="session")
def artifacts() -> Iterator[ArtifactServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def victim(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControllerProgram]:
    program = controller(
        "kustomize",
        cluster.kubeconfig,
        tmp_path_factory.mktemp("victim"),
        f"--watch-label-selector={RUN_LABEL}={run_id}",
        "--requeue-dependency=1s",
        "--http-retry=0",
    )
    program.start()
    yield program
    assert program.stop() == 0, program.tail()


@pytest.fixture
async def arena(
    world: World, client: KubeClient, artifacts: ArtifactServer, victim: ControllerProgram
) -> AsyncIterator[Arena]:
    if not sys.platform.startswith("linux"):
        pytest.skip("memory is measured through /proc")
    arena = Arena(world, artifacts, victim)
    await arena.settle()
    yield arena
    arena.require_unharmed()
