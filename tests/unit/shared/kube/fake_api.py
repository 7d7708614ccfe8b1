"""A server that answers as a test tells it to: for what a well-behaved API server never does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from shared.kube.access import Connection
from shared.kube.client import KubeClient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NoCredentials:
    """A configuration without a token."""

    async def get_api_key_with_prefix(self, _name: str) -> None:
        return None


@asynccontextmanager
async def fake_api(handler: Handler) -> AsyncIterator[KubeClient]:
    """A client of a server on loopback that passes every request to the handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    client = KubeClient(Connection(f"http://{host}:{port}", aiohttp.ClientSession(), NoCredentials()))
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


def status(code: int, reason: str = "", message: str = "", **details: object) -> web.Response:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    return web.json_response(body, status=code)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
