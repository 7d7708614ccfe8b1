"""source-controller alone, and git servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.git_repository.words import Source
from tests.e2e.processes import controller, free_port
from tests.e2e.world import RUN_LABEL, World
from tests.fakes.git_server import HttpGitServer, SshGitServer, http_git_server, ssh_git_server


@pytest.fixture(scope="package")
def source(cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """source-controller alone, for objects with a label of this module's own."""
    folder = tmp_path_factory.mktemp("source")
    storage, port = folder / "storage", free_port()
    storage.mkdir()
    program = controller(
        "source",
        cluster.kubeconfig,
        folder,
        f"--watch-label-selector={RUN_LABEL}={run_id}-source",
        f"--storage-path={storage}",
        f"--storage-addr=127.0.0.1:{port}",
        f"--storage-adv-addr=127.0.0.1:{port}",
        "--requeue-dependency=1s",
        "--concurrent=4",
    )
    program.start()
    yield Source(program, storage)
    assert program.stop() == 0, program.tail()


@pytest.fixture
def world(world: World, source: Source) -> World:
    world.run_id = f"{world.run_id}-source"
    return world


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpGitServer]:
    async with http_git_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
async def ssh(tmp_path: Path) -> AsyncIterator[SshGitServer]:
    async with ssh_git_server(tmp_path / "ssh") as running:
        yield running
