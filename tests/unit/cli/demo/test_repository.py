"""The sample repository and its server, judged by a genuine git client."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cli.demo import git_server
from cli.demo.repository import NAME, GitFailed, Repository


@pytest.fixture
async def repository(tmp_path: Path) -> Repository:
    return await Repository.create(tmp_path)


@pytest.fixture
async def address(repository: Repository) -> AsyncIterator[str]:
    async with git_server.serving(repository.served) as url:
        yield url


async def git(*args: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-c", "protocol.version=2", *args]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, check=False
    )


async def test_clone_has_the_sample(address: str, tmp_path: Path) -> None:
    done = await git("clone", "--quiet", "--depth", "1", f"{address}/{NAME}", str(tmp_path / "clone"))
    assert done.returncode == 0, done.stderr
    assert "newTag: 1.0.0" in (tmp_path / "clone/deploy/kustomization.yaml").read_text()


@pytest.mark.parametrize("version", ["0", "2"])
async def test_listing_shows_each_new_commit(repository: Repository, address: str, version: str) -> None:
    repository.replace("deploy/kustomization.yaml", "1.0.0", "1.1.0")
    commit = await repository.publish("another")
    listed = await git(
        "-c", f"protocol.version={version}", "ls-remote", f"{address}/{NAME}", "refs/heads/main"
    )
    assert listed.stdout.split() == [commit, "refs/heads/main"]


async def test_reverting_restores_the_files(repository: Repository) -> None:
    before = (repository.work / "deploy/web.yaml").read_text()
    repository.replace("deploy/web.yaml", "replicas: 2", "replicas: 3")
    await repository.publish("three")
    await repository.revert()
    assert (repository.work / "deploy/web.yaml").read_text() == before


@pytest.mark.parametrize("name", ["..%2fshop.git", "other.git", ".git", "shop"])
async def test_nothing_else_is_served(address: str, name: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/{name}/info/refs?service=git-upload-pack") as response,
    ):
        assert response.status == 404


async def test_pushing_is_refused(repository: Repository, address: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/{NAME}/info/refs?service=git-receive-pack") as response,
    ):
        assert response.status == 403


async def test_git_that_refuses_says_why(repository: Repository) -> None:
    with pytest.raises(GitFailed, match=r"(?s)git commit: .*nothing to commit"):
        await repository.publish("nothing has changed")


def test_an_edit_that_does_not_fit_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    with pytest.raises(GitFailed, match="'other'"):
        Repository(tmp_path, tmp_path).replace("a", "other", "x")
