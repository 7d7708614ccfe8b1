import asyncio
import contextlib
import gzip
import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shared.artifacts.errors import (
    ArchiveTooLarge,
    ArtifactNotFound,
    ArtifactUnavailable,
    DigestMismatch,
)
from shared.artifacts.fetch import Fetcher, FetchPolicy
from shared.artifacts.unpack import Unpacked
from shared.model.artifact import Artifact

QUICK = FetchPolicy(retries=2, min_wait=timedelta(0), max_wait=timedelta(0), max_bytes=10_000)


def tarball() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("a.yaml")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"a: 1"))
    return gzip.compress(out.getvalue())


BODY = tarball()


@dataclass
class Server:
    """Answers with the next of `answers`, then with the last for ever."""

    answers: list[Callable[[], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    requests: int = 0
    url: str = ""

    async def handle(self, _: web.Request) -> web.StreamResponse:
        self.requests += 1
        return await self.answers[min(self.requests, len(self.answers)) - 1]()


def answer(status: int = 200, body: bytes = BODY) -> Callable[[], Awaitable[web.StreamResponse]]:
    async def respond() -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return web.Response(status=status, body=body)

    return respond


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    fake = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", fake.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/a.tar.gz"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def artifact(url: str, digest: str = "") -> Artifact:
    return Artifact(
        url=url,
        path="",
        revision="main@sha1:1",
        digest=digest or f"sha256:{hashlib.sha256(BODY).hexdigest()}",
    )


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


async def test_fetch_and_unpack(
    server: Server, session: aiohttp.ClientSession, downloads: Path, tmp_path: Path
) -> None:
    server.answers = [answer()]
    into = tmp_path / "into"
    into.mkdir()

    result = await Fetcher(session, downloads, QUICK).unpacked(artifact(server.url), into)

    assert result == Unpacked(files=1, size=4)
    assert (into / "a.yaml").read_text() == "a: 1"
    assert list(downloads.iterdir()) == []


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param((answer(404), ArtifactNotFound, 1), id="gone: no retry"),
        pytest.param((answer(403), ArtifactUnavailable, 1), id="refused: no retry"),
        pytest.param((answer(500), ArtifactUnavailable, 3), id="failing: all tries"),
        pytest.param((answer(200, b"other"), DigestMismatch, 1), id="other bytes"),
        pytest.param((answer(200, bytes(20_000)), ArchiveTooLarge, 1), id="too large"),
    ],
)
async def test_failures(
    server: Server,
    session: aiohttp.ClientSession,
    downloads: Path,
    expected: tuple[Callable[[], Awaitable[web.StreamResponse]], type[Exception], int],
) -> None:
    respond, error, requests = expected
    server.answers = [respond]
    with pytest.raises(error):
        async with Fetcher(session, downloads, QUICK).fetched(artifact(server.url)):
            pass
    assert server.requests == requests
    assert list(downloads.iterdir()) == []


async def test_a_passing_failure_is_retried(
    server: Server, session: aiohttp.ClientSession, downloads: Path
) -> None:
    server.answers = [answer(503), answer(429), answer()]
    async with Fetcher(session, downloads, QUICK).fetched(artifact(server.url)) as file:
        assert file.read_bytes() == BODY


async def test_an_unreachable_server(session: aiohttp.ClientSession, downloads: Path) -> None:
    with pytest.raises(ArtifactUnavailable, match=r"127\.0\.0\.1"):
        async with Fetcher(session, downloads, QUICK).fetched(artifact("http://127.0.0.1:1/a")):
            pass


async def test_an_artifact_without_digest_is_refused(session: aiohttp.ClientSession, downloads: Path) -> None:
    with pytest.raises(DigestMismatch, match="cannot be verified"):
        async with Fetcher(session, downloads, QUICK).fetched(artifact("http://127.0.0.1:1/a", "nonsense")):
            pass


async def test_the_host_can_be_replaced(
    server: Server, session: aiohttp.ClientSession, downloads: Path
) -> None:
    server.answers = [answer()]
    policy = FetchPolicy(host=server.url.split("/")[2])
    async with Fetcher(session, downloads, policy).fetched(
        artifact("http://source-controller.flux-system./a.tar.gz")
    ) as f:
        assert f.read_bytes() == BODY


async def test_one_download_serves_all_who_want_it_now(
    server: Server, session: aiohttp.ClientSession, downloads: Path
) -> None:
    server.answers = [answer()]
    fetcher = Fetcher(session, downloads, QUICK)

    async def use() -> bytes:
        async with fetcher.fetched(artifact(server.url)) as file:
            await asyncio.sleep(0.02)
            return file.read_bytes()

    assert await asyncio.gather(*(use() for _ in range(5))) == [BODY] * 5
    assert server.requests == 1
    assert list(downloads.iterdir()) == []


async def test_who_gives_up_does_not_stop_the_others(
    server: Server, session: aiohttp.ClientSession, downloads: Path
) -> None:
    server.answers = [answer()]
    fetcher = Fetcher(session, downloads, QUICK)

    async def use() -> bytes:
        async with fetcher.fetched(artifact(server.url)) as file:
            return file.read_bytes()

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(use())
        second = tasks.create_task(use())
        await asyncio.sleep(0)
        first.cancel()
    assert second.result() == BODY
    with contextlib.suppress(asyncio.CancelledError):
        await first
    assert list(downloads.iterdir()) == []
