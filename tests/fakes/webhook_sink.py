"""A server on loopback that keeps what it is sent, and answers what a test wants."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Sink:
    """`answer` decides on each call; `url` is where it listens."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], Reply] = lambda _call: Reply()

    async def until(self, count: int, *, seconds: float = 10.0) -> list[Call]:
        """Wait until there were that many calls."""
        async with asyncio.timeout(seconds):
            while len(self.calls) < count:
                await asyncio.sleep(0.01)
        return self.calls


@asynccontextmanager
async def running_sink(tls: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    sink = Sink()

    async def handle(request: web.Request) -> web.Response:
        call = Call(request.method, request.raw_path, dict(request.headers), await request.read())
        sink.calls.append(call)
        reply = sink.answer(call)
        body = b"" if reply.body is None else orjson.dumps(reply.body)
        return web.Response(status=reply.status, body=body, headers=reply.headers)

    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        sink.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        yield sink
    finally:
        await runner.cleanup()
