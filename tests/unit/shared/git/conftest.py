from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.git.client import Git
from shared.git.pool import WorkerPool
from tests.fakes.git_server import HttpGitServer, SshGitServer, http_git_server, ssh_git_server


@pytest.fixture
async def git() -> AsyncIterator[Git]:
    pool = WorkerPool()
    async with pool.serve():
        yield Git(pool)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpGitServer]:
    async with http_git_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
async def ssh(tmp_path: Path) -> AsyncIterator[SshGitServer]:
    async with ssh_git_server(tmp_path / "served") as running:
        yield running
