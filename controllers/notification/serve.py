"""What the two HTTP servers do alike: bounded bodies in bounded time, empty answers, metrics (7, 13)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from controllers.notification.measures import Measures

MAX_BODY = 3 * 1024 * 1024
_READ_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


Handle = Callable[[web.Request, bytes], Awaitable[Reply]]


def application(server: str, handle: Handle, measures: Measures) -> web.Application:
    """Any method and any path; `handle` sees a body of at most 3 MiB."""

    async def serve(request: web.Request) -> web.Response:
        started = time.monotonic()
        body = await _body(request)
        reply = await handle(request, body) if isinstance(body, bytes) else body
        measures.answered(server, request.path, request.method, reply.status, time.monotonic() - started)
        return web.Response(status=reply.status, headers=reply.headers, text=reply.text or None)

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_route("*", "/{path:.*}", serve)
    return app


async def _body(request: web.Request) -> bytes | Reply:
    if (request.content_length or 0) > MAX_BODY:
        return Reply(413)
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY:
                    return Reply(413)
    except (TimeoutError, aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError):
        return Reply(400)
    return bytes(body)
