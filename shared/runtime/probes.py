"""The two small HTTP servers of every process: metrics, and liveness (specs/runtime.md 6.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from shared.runtime.address import Address
from shared.runtime.metrics import Metrics

_STOP_SECONDS = 5.0


@asynccontextmanager
async def serving(app: web.Application, address: Address) -> AsyncIterator[None]:
    """Serve until the block ends. Raises OSError when the address is taken."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_STOP_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
        yield
    finally:
        await runner.cleanup()


def metrics_app(metrics: Metrics) -> web.Application:
    async def show(_request: web.Request) -> web.Response:
        metrics.refresh()
        text = await asyncio.to_thread(metrics.render)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app


def health_app() -> web.Application:
    async def alive(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    for path in ("/healthz", "/readyz", "/healthz/ping", "/readyz/ping"):
        app.router.add_get(path, alive)
    return app
