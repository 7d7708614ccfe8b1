"""Git over HTTP on loopback, read-only: `git upload-pack` behind aiohttp.

Any git has upload-pack; `git http-backend` is packaged apart on some systems. The two requests of a
fetch are all that is served (gitprotocol-http).
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

_SERVICE = "git-upload-pack"
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
    app.router.add_post(f"/{{name}}/{_SERVICE}", _upload_pack)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def _advertise(request: web.Request) -> web.StreamResponse:
    if request.query.get("service") != _SERVICE:
        raise web.HTTPForbidden(text="this server is for fetching only; push to the directory itself\n")
    announcement = f"# service={_SERVICE}\n".encode()
    packet = f"{len(announcement) + 4:04x}".encode() + announcement + _FLUSH
    return await _run(request, "--advertise-refs", kind="advertisement", prefix=packet)


async def _upload_pack(request: web.Request) -> web.StreamResponse:
    return await _run(request, kind="result", body=await request.read())


async def _run(
    request: web.Request, *flags: str, kind: str, prefix: bytes = b"", body: bytes = b""
) -> web.StreamResponse:
    process = await asyncio.create_subprocess_exec(
        "git",
        "upload-pack",
        "--stateless-rpc",
        *flags,
        str(_repository(request)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(request),
    )
    try:
        return await _stream(request, process, kind=kind, prefix=prefix, body=body)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        await process.wait()


async def _stream(
    request: web.Request, process: asyncio.subprocess.Process, *, kind: str, prefix: bytes, body: bytes
) -> web.StreamResponse:
    assert process.stdin is not None
    assert process.stdout is not None
    response = web.StreamResponse(
        headers={"Content-Type": f"application/x-{_SERVICE}-{kind}", "Cache-Control": "no-cache"}
    )
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
