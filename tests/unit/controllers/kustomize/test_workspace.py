"""One artifact is unpacked once, for all who build from it, and not kept for ever."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from controllers.kustomize.failures import ArtifactFailed, WorkspaceFailed
from controllers.kustomize.fetch import Fetch
from controllers.kustomize.memory import Memories
from controllers.kustomize.workspace import Workspace
from shared.artifacts.fetch import Fetcher, FetchPolicy
from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization
from shared.runtime.failure import Waiting
from tests import make
from tests.attack import archives

KS = Kustomization.parse(make.kustomization(retryInterval="7s"))


@dataclass
class Store:
    workspace: Workspace
    root: Path
    url: str
    content: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: bool = False

    def artifact(self, name: str, content: bytes | None = None) -> Artifact:
        content = archives.of_files({"a.yaml": name}) if content is None else content
        self.content[f"/{name}"] = content
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return Artifact(f"{self.url}/{name}", name, f"main@sha1:{name}", digest)

    def kept(self) -> int:
        return sum(1 for path in self.root.rglob("a.yaml"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async def answer(request: web.Request) -> web.StreamResponse:
        found.asked.append(request.path)
        if found.broken:
            return web.Response(status=503)
        content = found.content.get(request.path)
        return web.Response(status=404) if content is None else web.Response(body=content)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        fetcher = Fetcher(session, tmp_path, FetchPolicy(retries=0))
        found = Store(Workspace(tmp_path, fetcher), tmp_path, f"http://{host}:{port}")
        yield found
    await runner.cleanup()


async def test_who_comes_at_a_time_shares_one_download(store: Store) -> None:
    artifact = store.artifact("one")

    async def use() -> str:
        async with store.workspace.tree(artifact) as files:
            return (files / "a.yaml").read_text()

    assert await asyncio.gather(*(use() for _ in range(5))) == ["one"] * 5
    assert store.asked == ["/one"]


async def test_what_nobody_uses_is_kept_for_a_few_only(store: Store) -> None:
    for number in range(5):
        async with store.workspace.tree(store.artifact(f"v{number}")):
            pass
    assert store.kept() == 2
    async with store.workspace.tree(store.artifact("v4")):
        pass
    assert store.asked.count("/v4") == 1


async def files(store: Store, artifact: Artifact, fetch: Fetch, memory: Any) -> None:
    async with fetch.files(KS, artifact, memory):
        pass


async def test_a_server_that_is_down_is_asked_later_and_later_until_it_is_a_failure(store: Store) -> None:
    fetch = Fetch(store.workspace, retries=2, requeue=timedelta(seconds=30))
    memory = Memories(full_check=timedelta(hours=1), forgotten=lambda _key: None).of(KS.key)
    artifact = store.artifact("one")
    store.broken = True
    for seconds in (1, 2):
        with pytest.raises(Waiting) as waiting:
            await files(store, artifact, fetch, memory)
        assert (waiting.value.reason, waiting.value.retry_in) == (
            "ArtifactFailed",
            timedelta(seconds=seconds),
        )
        assert waiting.value.quiet
    with pytest.raises(ArtifactFailed, match="failed to download artifact") as failed:
        await files(store, artifact, fetch, memory)
    assert failed.value.retry_in == timedelta(seconds=7)
    assert failed.value.metadata == {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:one"}
    store.broken = False
    await files(store, artifact, fetch, memory)
    assert memory.fetch_failures == 0


async def test_an_artifact_that_is_gone_is_awaited_and_a_bad_one_is_a_failure(store: Store) -> None:
    fetch = Fetch(store.workspace, retries=2, requeue=timedelta(seconds=30))
    memory = Memories(full_check=timedelta(hours=1), forgotten=lambda _key: None).of(KS.key)
    gone = store.artifact("gone")
    store.content.clear()
    with pytest.raises(Waiting, match=r"^Source is not ready, artifact not found, retrying in 30s$"):
        await files(store, gone, fetch, memory)
    with pytest.raises(ArtifactFailed):
        await files(store, store.artifact("bad", b"no archive"), fetch, memory)
    assert store.kept() == 0


async def test_no_room_to_unpack_is_a_failure_with_its_own_reason(store: Store, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        workspace = Workspace(tmp_path / "gone", Fetcher(session, tmp_path, FetchPolicy(retries=0)))
    fetch = Fetch(workspace, retries=0, requeue=timedelta(seconds=30))
    memory = Memories(full_check=timedelta(hours=1), forgotten=lambda _key: None).of(KS.key)
    with pytest.raises(WorkspaceFailed, match=r"^tmp dir error: ") as failed:
        await files(store, store.artifact("one"), fetch, memory)
    assert failed.value.reason == "DirCreationFailed"
    assert failed.value.metadata == {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:one"}
