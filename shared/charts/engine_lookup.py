"""How a worker reads the cluster for `lookup`: a server on loopback that forwards GETs of objects.

The worker holds no credentials. For the time of one render it has a URL with a token (the client does not
send one in a header without TLS), and behind it stands a ClusterReader with the release's own identity.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

MAX_LOOKUPS = 1000
MAX_BODY_BYTES = 32 * 2**20
_SEGMENT = r"[A-Za-z0-9][-A-Za-z0-9._:]*"
# A version (its discovery), a list, an object, each with or without a namespace; no subresource.
_PATH = re.compile(
    rf"/(?:api/v1|apis/{_SEGMENT}/{_SEGMENT})(?:/namespaces/{_SEGMENT})?(?:/{_SEGMENT}){{0,2}}"
)


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """What the API server said: the status of HTTP and the JSON body."""

    status: int
    body: bytes


class LookupFailed(Exception):
    """The cluster cannot be asked, or gave no answer; the message ends up in the render's failure."""


class ClusterReader(Protocol):
    """How `lookup` reads the cluster; it authenticates as the release does.

    Called with a path such as `/apis/apps/v1/namespaces/shop/deployments/web`, to be read with GET and no
    query; several calls may run at a time. Raises LookupFailed.
    """

    def __call__(self, path: str, /) -> Awaitable[LookupAnswer]: ...


@dataclass(slots=True)
class _Pass:
    reader: ClusterReader
    left: int = MAX_LOOKUPS


class LookupServer:
    """Serves while a render with a reader is under way; the first one starts it, `close` ends it."""

    def __init__(self) -> None:
        self._passes: dict[str, _Pass] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    @contextlib.asynccontextmanager
    async def access(self, reader: ClusterReader) -> AsyncIterator[str]:
        """The URL of an API server for one render."""
        await self._start()
        token = secrets.token_urlsafe(32)
        self._passes[token] = _Pass(reader)
        try:
            yield f"http://127.0.0.1:{self._port}/{token}"
        finally:
            del self._passes[token]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _start(self) -> None:
        if self._runner is not None:
            return
        app = web.Application()
        app.router.add_route("*", "/{token}{path:/.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _forward(self, request: web.Request) -> web.Response:
        granted = self._passes.get(request.match_info["token"])
        if granted is None:
            return _failure(401, "Unauthorized", "the token is not valid")
        path = request.match_info["path"]
        # A query is left behind: the client's own timeout, and never one of ours (watch, follow).
        if request.method != "GET" or not _PATH.fullmatch(path):
            return _failure(403, "Forbidden", f"lookup may not {request.method} {path[:200]}")
        granted.left -= 1
        if granted.left < 0:
            return _failure(403, "Forbidden", f"the chart looks up more than {MAX_LOOKUPS} objects")
        try:
            answer = await granted.reader(path)
        except LookupFailed as error:
            return _failure(503, "ServiceUnavailable", str(error))
        if len(answer.body) > MAX_BODY_BYTES:
            return _failure(403, "Forbidden", f"the answer is larger than {MAX_BODY_BYTES >> 20} MiB")
        return web.Response(status=answer.status, body=answer.body, content_type="application/json")


def _failure(code: int, reason: str, message: str) -> web.Response:
    """As the API server spells failures, so that the client in the worker understands."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return web.json_response(status | {"reason": reason, "message": message}, status=code)
