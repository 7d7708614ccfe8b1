"""A whole localcluster process under clients that mean it ill, or do not care: it serves on, in bounded memory."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conformance.genuine import eventually, start_localcluster
from tests.e2e.processes import Program

TOKEN = "load"
MAPS = "/api/v1/namespaces/default/configmaps"
WATCHES = 2000
LARGE = "x" * 500_000


@dataclass(frozen=True)
class Server:
    program: Program
    url: str
    authority: ssl.SSLContext

    def memory_mib(self) -> float:
        lines = Path(f"/proc/{self.program.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    @asynccontextmanager
    async def connections(self, path: str, count: int = 1) -> AsyncIterator[list[asyncio.StreamWriter]]:
        """Connections on which that was asked for, and nothing is ever read."""
        host, port = self.url.removeprefix("https://").split(":")
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        writers: list[asyncio.StreamWriter] = []
        try:
            for _ in range(count):
                _, writer = await asyncio.open_connection(host, int(port), ssl=self.authority)
                writers.append(writer)
                writer.write(request.encode())
            yield writers
        finally:
            for writer in writers:
                writer.transport.abort()
                with suppress(ConnectionError):
                    await writer.wait_closed()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    program, kubeconfig = start_localcluster(tmp_path, "--token", TOKEN)
    cluster = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = ssl.create_default_context()
    authority.check_hostname = False
    authority.verify_mode = ssl.CERT_NONE
    yield Server(program, cluster["server"], authority)
    assert program.alive, program.tail()
    program.stop()
    assert "Traceback" not in program.tail(10_000), program.tail(10_000)


@pytest.fixture
async def session(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=server.authority, limit=0)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(server.url, connector=connector, headers=headers) as found:
        yield found
    # asyncio takes some steps to close what TLS wraps.
    await asyncio.sleep(1)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def store(session: aiohttp.ClientSession, name: str, **data: str) -> None:
    async with session.patch(
        f"{MAPS}/{name}?fieldManager=load",
        json=config_map(name, **data),
        headers={"Content-Type": "application/apply-patch+yaml"},
    ) as answer:
        assert answer.status < 300, await answer.text()


async def test_thousands_of_idle_watches_cost_little_and_hear_everything(
    server: Server, session: aiohttp.ClientSession
) -> None:
    async with session.get(MAPS) as answer:
        version = (await answer.json())["metadata"]["resourceVersion"]
    before = server.memory_mib()
    heard: list[bytes] = []

    async def watch() -> None:
        async with session.get(f"{MAPS}?watch=1&resourceVersion={version}") as answer:
            heard.append(await answer.content.readline())

    async with asyncio.timeout(90):
        watches = [asyncio.create_task(watch()) for _ in range(WATCHES)]
        await asyncio.sleep(5)
        held = server.memory_mib() - before
        await store(session, "news")
        await asyncio.gather(*watches)

    assert len(heard) == WATCHES
    assert len(set(heard)) == 1
    # TLS takes most of it.
    assert held / WATCHES < 0.1, f"{held:.0f} MiB for {WATCHES} watches"


async def test_a_watcher_that_never_reads_is_dropped(server: Server, session: aiohttp.ClientSession) -> None:
    await store(session, "large", text=LARGE)
    before = server.memory_mib()

    async with server.connections(f"{MAPS}?watch=1", 20):
        for number in range(120):
            await store(session, "large", text=f"{number}{LARGE}")
        grown = server.memory_mib() - before

    assert grown < 200, f"{grown:.0f} MiB"
    async with session.get("/healthz") as answer:
        assert answer.status == 200


async def test_a_list_that_is_never_read_holds_up_nobody(
    server: Server, session: aiohttp.ClientSession
) -> None:
    for number in range(20):
        await store(session, f"large-{number}", text=LARGE)
    before = server.memory_mib()

    async with server.connections(MAPS, 30), asyncio.timeout(20):
        for number in range(20):
            await store(session, "small", text=str(number))
        grown = server.memory_mib() - before

    assert grown < 450, f"{grown:.0f} MiB"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", id="half a request"),
        pytest.param(b"\x16\x03\x01\x00\xa5", id="another protocol"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200_000, id="headers without end"),
        pytest.param(
            b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            id="a broken chunk",
        ),
        pytest.param(
            b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            id="a negative length",
        ),
    ],
)
async def test_broken_requests_leave_the_server_well(
    server: Server, session: aiohttp.ClientSession, sent: bytes
) -> None:
    async with server.connections("/healthz") as [writer]:
        with suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()

    async with session.get("/healthz") as answer:
        assert await answer.text() == "ok"


async def test_clients_that_hang_up_in_the_middle_leave_nothing_behind(
    server: Server, session: aiohttp.ClientSession
) -> None:
    await store(session, "some")
    for _ in range(3):
        async with server.connections(f"{MAPS}?watch=1", 100):
            pass

    def sockets() -> int:
        return len(list(Path(f"/proc/{server.program.pid}/fd").iterdir()))

    eventually(lambda: sockets() < 40)
    await store(session, "some", more="yes")
