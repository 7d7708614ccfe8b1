"""One bounded HTTPS call to a key service; its answer is JSON and never quoted in an error."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from controllers.kustomize.sops.errors import DataKeyUnavailable

_SECONDS = 20
_MAX_ANSWER = 64 * 1024


async def post(
    http: aiohttp.ClientSession,
    url: str,
    *,
    what: str,
    body: bytes,
    headers: Mapping[str, str],
) -> Mapping[str, Any]:
    """The answer's object. No redirect is followed: credentials stay with the host that they are for.

    Raises DataKeyUnavailable, naming `what` was asked.
    """
    try:
        async with http.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
        ) as response:
            raw = await response.content.read(_MAX_ANSWER + 1)
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise DataKeyUnavailable(f"{what} cannot be reached ({type(error).__name__})") from error
    if status != 200:
        raise DataKeyUnavailable(f"{what} answered HTTP {status}")
    try:
        answer = orjson.loads(raw) if len(raw) <= _MAX_ANSWER else None
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise DataKeyUnavailable(f"{what} gave no usable answer")
    return answer


def plaintext(encoded: object, *, what: str, url_safe: bool = False) -> bytes:
    """The decrypted bytes out of an answer's base64 field. Raises DataKeyUnavailable."""
    if not isinstance(encoded, str):
        raise DataKeyUnavailable(f"{what} gave no plaintext")
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if url_safe else None, validate=True)
    except binascii.Error as error:
        raise DataKeyUnavailable(f"{what} gave no usable plaintext") from error
