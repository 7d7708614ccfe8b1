"""Sending much, or for long, to a client that may leave, stall or never read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from localcluster.verbs.watching import Overflow

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from localcluster.http.exchange import Exchange


STALLED_SECONDS = 30.0
PIECE_BYTES = 128 * 1024


async def stream(exchange: Exchange, chunks: AsyncGenerator[bytes, None]) -> web.StreamResponse:
    """Send every chunk; a client that reads too slowly loses its connection."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
    response = web.StreamResponse(headers=headers)
    for warning in exchange.warnings:
        response.headers.add("Warning", f'299 - "{warning}"')
    response.enable_chunked_encoding()
    await response.prepare(exchange.request)
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                async with asyncio.timeout(STALLED_SECONDS):
                    await response.write(chunk)
        await response.write_eof()
    except (ConnectionError, Overflow, TimeoutError):
        if exchange.request.transport is not None:
            exchange.request.transport.abort()
    return response


async def send_in_pieces(request: BaseRequest, whole: web.Response) -> web.StreamResponse:
    """Send a big answer as fast as it is read; otherwise each layer below would hold a copy of all of it."""
    body = whole.body
    assert isinstance(body, bytes)
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    try:
        for at in range(0, len(body), PIECE_BYTES):
            async with asyncio.timeout(STALLED_SECONDS):
                await response.write(body[at : at + PIECE_BYTES])
        await response.write_eof()
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()
    return response
