"""A proxy on loopback that speaks SOCKS5 and HTTP (CONNECT and absolute URLs), and counts its tunnels."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class FakeProxy:
    port: int = 0
    username: str = ""
    password: str = ""
    targets: list[str] = field(default_factory=list)
    running: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.running.add(asyncio.current_task())
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                first = await reader.readexactly(1)
                if first == b"\x05":
                    await self._socks(reader, writer)
                else:
                    await self._http(first, reader, writer)
        except asyncio.CancelledError:
            return
        finally:
            writer.close()

    async def stop(self) -> None:
        for task in filter(None, self.running):
            task.cancel()
        await asyncio.gather(*filter(None, self.running), return_exceptions=True)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offered = await reader.readexactly((await reader.readexactly(1))[0])
        method = 2 if self.username else 0
        writer.write(bytes([5, method if method in offered else 255]))
        if method:
            await reader.readexactly(1)
            user = await reader.readexactly((await reader.readexactly(1))[0])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            right = (user.decode(), password.decode()) == (self.username, self.password)
            writer.write(bytes([1, 0 if right else 1]))
            if not right:
                return
        await reader.readexactly(4)
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        await self._tunnel(f"{host}:{port}", bytes([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), b"", (reader, writer))

    async def _http(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b" ", 2)
        token = base64.b64encode(f"{self.username}:{self.password}".encode())
        if self.username and b"Basic " + token not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        if method == b"CONNECT":
            await self._tunnel(target.decode(), b"HTTP/1.1 200 OK\r\n\r\n", b"", (reader, writer))
        else:
            url = urlsplit(target.decode())
            await self._tunnel(
                url.netloc, b"", head.replace(f"http://{url.netloc}".encode(), b""), (reader, writer)
            )

    async def _tunnel(
        self,
        target: str,
        hello: bytes,
        sent: bytes,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.targets.append(target)
        host, _, port = target.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        client[1].write(hello)
        writer.write(sent)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_copy(client[0], writer))
                tasks.create_task(_copy(reader, client[1]))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def fake_proxy() -> AsyncIterator[FakeProxy]:
    proxy = FakeProxy()
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
