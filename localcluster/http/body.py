"""Reading a request's body within its limit, and telling its media type."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from localcluster.status import bad_request, too_large

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

MAX_BODY_BYTES = 3 * 1024 * 1024


async def read_body(request: BaseRequest) -> bytes:
    """The whole body, decompressed; raises 413 over MAX_BODY_BYTES and 400 where it cannot be read."""
    if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
        raise too_large(MAX_BODY_BYTES)
    if not request.can_read_body:
        return b""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise too_large(MAX_BODY_BYTES)
            chunks.append(chunk)
    except (zlib.error, ValueError) as error:
        raise bad_request(f"the body cannot be read: {error}") from error
    return b"".join(chunks)


def media_type(header: str | None) -> str:
    """The bare media type of a Content-Type header, `application/json` where there is none."""
    return (header or "").partition(";")[0].strip().lower() or "application/json"
