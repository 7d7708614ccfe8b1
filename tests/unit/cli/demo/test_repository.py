"""The sample repository and its server, judged by a genuine git client."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cli.demo import git_server
from cli.demo.repository import NAME, Repository


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


@pytest.mark.parametrize("name", ["..%2fshop.git", "other.git", ".git", "shop"])
async def test_nothing_else_is_served(address: str, name: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/{name}/info/refs?service=git-upload-pack") as response,
    ):
        assert response.status == 404


async def test_a_push_arrives_and_is_pulled(repository: Repository, address: str, tmp_path: Path) -> None:
    clone, file = tmp_path / "clone", "deploy/kustomization.yaml"
    await git("clone", "--quiet", f"{address}/{NAME}", str(clone))
    text = (clone / file).read_text()
    (clone / file).write_text(text.replace("newTag: 1.0.0", "newTag: 1.2.0"))
    old = await repository.head()
    identity = ("-c", "user.name=Bot", "-c", "user.email=bot@example.com")
    await git("-C", str(clone), *identity, "commit", "--quiet", "--all", "--message", "Run 1.2.0")
    done = await git("-C", str(clone), "push", "--quiet")
    assert done.returncode == 0, done.stderr
    await repository.pull()
    new = await repository.head()
    assert await repository.described(new) == "Bot: Run 1.2.0"
    lines = await repository.changed_lines(old, new, file)
    assert [line.partition(" #")[0] for line in lines] == ["- newTag: 1.0.0", "+ newTag: 1.2.0"]


async def test_other_services_are_refused(repository: Repository, address: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/{NAME}/info/refs?service=git-shell") as response,
    ):
        assert response.status == 403
