"""Git over HTTP on loopback: `git upload-pack` and `git receive-pack` behind aiohttp.

Any git has these; `git http-backend` is packaged apart on some systems. The two requests of a fetch and
those of a push are all that is served (gitprotocol-http). Whoever reaches loopback may push.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from cli.demo.loopback import served

_SERVICES = {"git-upload-pack", "git-receive-pack"}
_FLUSH = b"0000"
_CHUNK = 64 * 1024
_LARGEST_REQUEST = 16 * 1024 * 1024
_ROOT: web.AppKey[Path] = web.AppKey("root", Path)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\.git")
_PROTOCOL = re.compile(r"version=[0-9]")


@asynccontextmanager
async def serving(root: Path) -> AsyncIterator[str]:
    """Serve the bare repositories directly below `root`; yields the URL that their names are added to."""
    app = web.Application(client_max_size=_LARGEST_REQUEST)
    app[_ROOT] = root
    app.router.add_get("/{name}/info/refs", _advertise)
    app.router.add_post("/{name}/{service:git-(?:upload|receive)-pack}", _serve)
    async with served(app) as host:
        yield f"http://{host}"


async def _advertise(request: web.Request) -> web.StreamResponse:
    service = request.query.get("service", "")
    if service not in _SERVICES:
        raise web.HTTPForbidden(text="this server speaks git's smart protocol only\n")
    announcement = f"# service={service}\n".encode()
    packet = f"{len(announcement) + 4:04x}".encode() + announcement + _FLUSH
    return await _run(request, service, "--advertise-refs", prefix=packet)


async def _serve(request: web.Request) -> web.StreamResponse:
    return await _run(request, request.match_info["service"], body=await request.read())


async def _run(
    request: web.Request, service: str, *flags: str, prefix: bytes = b"", body: bytes = b""
) -> web.StreamResponse:
    process = await asyncio.create_subprocess_exec(
        "git",
        service.removeprefix("git-"),
        "--stateless-rpc",
        *flags,
        str(_repository(request)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(request),
    )
    try:
        kind = "advertisement" if prefix else "result"
        media_type = f"application/x-{service}-{kind}"
        return await _stream(request, process, media_type=media_type, prefix=prefix, body=body)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        await process.wait()


async def _stream(
    request: web.Request, process: asyncio.subprocess.Process, *, media_type: str, prefix: bytes, body: bytes
) -> web.StreamResponse:
    assert process.stdin is not None
    assert process.stdout is not None
    response = web.StreamResponse(headers={"Content-Type": media_type, "Cache-Control": "no-cache"})
    await response.prepare(request)
    await response.write(prefix)
    process.stdin.write(body)
    process.stdin.close()
    while chunk := await process.stdout.read(_CHUNK):
        await response.write(chunk)
    # A client may hang up as soon as it has the pack, before the end of the chunked body.
    with contextlib.suppress(ConnectionResetError):
        await response.write_eof()
    return response


def _repository(request: web.Request) -> Path:
    name = request.match_info["name"]
    path = request.app[_ROOT] / name
    if not _NAME.fullmatch(name) or not path.is_dir():
        raise web.HTTPNotFound(text=f"no repository {name}\n")
    return path


def _environment(request: web.Request) -> dict[str, str]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(request.app[_ROOT])}
    protocol = request.headers.get("Git-Protocol", "")
    if _PROTOCOL.fullmatch(protocol):
        environment["GIT_PROTOCOL"] = protocol
    return environment
