"""Serve the artifact storage over plain HTTP (spec source 5.6).

GET and HEAD with ranges and If-Modified-Since, directory listings, nothing else; `/` answers 200 and
is the readiness probe. Only the leader runs this.
"""

import asyncio
import html
import os
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

_MAX_LISTED = 10_000
_ROOT: web.AppKey[Path] = web.AppKey("root", Path)
_CONTENT_TYPES = {".gz": "application/gzip", ".tgz": "application/gzip", ".yaml": "text/plain; charset=utf-8"}


def create_app(root: Path) -> web.Application:
    """The file server over one directory; links are followed only within it."""
    app = web.Application()
    app[_ROOT] = root.resolve()
    app.router.add_get("/{path:.*}", _serve)  # adds HEAD too
    return app


async def _serve(request: web.Request) -> web.StreamResponse:
    root = request.app[_ROOT]
    path = request.match_info["path"]
    target = await asyncio.to_thread(_resolve, root, path)
    if target is None:
        raise web.HTTPNotFound(text="404 page not found\n")
    if await asyncio.to_thread(target.is_dir):
        if path and not path.endswith("/"):
            raise web.HTTPMovedPermanently(f"{quote(path.rpartition('/')[2])}/")
        return web.Response(text=await asyncio.to_thread(_listing, target), content_type="text/html")
    # Said explicitly: a guessed "Content-Encoding: gzip" would make clients unpack what they must hash.
    content_type = _CONTENT_TYPES.get(target.suffix, "application/octet-stream")
    return web.FileResponse(target, headers={"Content-Type": content_type})


def _resolve(root: Path, path: str) -> Path | None:
    """The file or directory that is meant, or None where there is none inside the root."""
    if "\0" in path:
        return None
    try:
        target = (root / path.lstrip("/")).resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    if not target.is_relative_to(root) or not (target.is_file() or target.is_dir()):
        return None
    return target


def _listing(directory: Path) -> str:
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir()) for entry, _ in zip(entries, range(_MAX_LISTED), strict=False)]
    names = sorted(name + "/" if is_dir else name for name, is_dir in found)
    # "./" keeps a colon in a name from being read as a URL scheme.
    lines = [f'<a href="./{quote(name)}">{html.escape(name)}</a>\n' for name in names]
    return f"<!doctype html>\n<pre>\n{''.join(lines)}</pre>\n"
