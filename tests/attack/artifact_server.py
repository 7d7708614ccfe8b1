"""Serves whatever bytes an attack wants as an artifact, from a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class ArtifactServer:
    """`put` what is to be served; a path that nobody put is a 404."""

    url: str = ""
    _content: dict[str, bytes] = field(default_factory=dict)
    _cut: set[str] = field(default_factory=set)

    def put(self, name: str, content: bytes, *, cut: bool = False) -> str:
        """The digest of it. `cut` promises all of the content and sends half of it."""
        self._content[name] = content
        if cut:
            self._cut.add(name)
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def forget(self, name: str) -> None:
        self._content.pop(name, None)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        content = self._content.get(name)
        if content is None:
            raise web.HTTPNotFound
        if name not in self._cut:
            return web.Response(body=content)
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response


@contextlib.contextmanager
def serving() -> Iterator[ArtifactServer]:
    server, stop, started = ArtifactServer(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with _running(server):
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="artifact server")
    thread.start()
    try:
        assert started.wait(10), "the artifact server did not start"
        yield server
    finally:
        stop.set()
        thread.join(10)


@contextlib.asynccontextmanager
async def _running(server: ArtifactServer) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/{name}", server.answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}"
        yield
    finally:
        await runner.cleanup()
