"""image-automation-controller for objects of this package's own, and git servers that take pushes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.image.conftest import image_automation
from tests.e2e.image.test_genuine_registry import genuine  # noqa: F401 - a fixture
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import World
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer, SshGitServer, http_git_server, ssh_git_server


@pytest.fixture(scope="package")
def updating(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControllerProgram]:
    folder = tmp_path_factory.mktemp("image-update")
    program = image_automation(cluster, f"{run_id}-update", folder, "--no-cross-namespace-refs")
    program.start()
    yield program
    assert program.stop() == 0, program.tail()


@pytest.fixture
def world(world: World, updating: ControllerProgram) -> World:
    world.run_id = f"{world.run_id}-update"
    return world


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpGitServer]:
    async with http_git_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
def repo(server: HttpGitServer) -> GitRepo:
    made = server.repo()
    made.accept_pushes()
    return made


@pytest.fixture
async def ssh(tmp_path: Path) -> AsyncIterator[SshGitServer]:
    async with ssh_git_server(tmp_path / "ssh") as running:
        yield running
