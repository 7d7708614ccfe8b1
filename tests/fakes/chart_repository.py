"""A chart repository on loopback: index.yaml and archives over HTTP or HTTPS, which misbehaves on demand.

What a test makes go wrong (credentials, redirects, 429, other bytes) are its fields; they may change while
it runs. Genuine `helm repo add` and `helm pull` work with it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import io
import ssl
import tarfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web


@dataclass(frozen=True)
class Call:
    path: str
    authorization: str
    status: int


@dataclass
class ChartRepository:
    url: str = ""
    username: str = ""
    password: str = ""
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    index: bytes | None = None
    """Served instead of what `entries` say."""
    has_validators: bool = True
    compresses: bool = False
    """Answer with gzip whoever takes that."""
    busy: list[str | None] = field(default_factory=list)
    """For each of the next requests a 429 with this Retry-After, or without."""
    redirects: dict[str, str] = field(default_factory=dict)
    trickle: float = 0.0
    """Seconds between the pieces of an answer."""
    extra_headers: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def add(self, chart: bytes, metadata: Mapping[str, Any], **entry: Any) -> None:
        """Publish a packaged chart, under a relative URL unless `urls` says otherwise."""
        name = f"{metadata['name']}-{metadata['version']}.tgz"
        self.files[f"/charts/{name}"] = chart
        digest = hashlib.sha256(chart).hexdigest()
        listed = {"urls": [f"charts/{name}"], "digest": digest, "created": "2026-01-01T00:00:00.123456789Z"}
        self.entries.setdefault(metadata["name"], []).append({**metadata, **listed, **entry})

    def seen(self, part: str, status: int = 200) -> int:
        return sum(part in call.path and call.status == status for call in self.calls)

    def content(self, path: str) -> bytes | None:
        if path == "/index.yaml":
            document = {"apiVersion": "v1", "entries": self.entries, "generated": "2026-01-01T00:00:00Z"}
            return self.index if self.index is not None else yaml.safe_dump(document).encode()
        return self.files.get(path)


def make_chart(
    name: str, version: str, files: Mapping[str, str] | None = None, **metadata: Any
) -> tuple[bytes, dict[str, Any]]:
    """A packaged chart with one template, and its metadata."""
    described = {"apiVersion": "v2", "name": name, "version": version, **metadata}
    template = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-" + name + "\n"
        "data:\n  greeting: {{ .Values.greeting | quote }}\n"
    )
    content = {
        "Chart.yaml": yaml.safe_dump(described),
        "values.yaml": "greeting: hello\n",
        "templates/config.yaml": template,
        **(files or {}),
    }
    return archive({f"{name}/{path}": text for path, text in content.items()}), described


def archive(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, text in files.items():
            raw = text if isinstance(text, bytes) else text.encode()
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(raw), 0o644
            tar.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def files_in(chart: bytes) -> dict[str, bytes]:
    """The files of a packaged chart."""
    with tarfile.open(fileobj=io.BytesIO(chart)) as tar:
        return {m.name: source.read() for m in tar if m.isfile() and (source := tar.extractfile(m))}


class _Handler:
    def __init__(self, repository: ChartRepository) -> None:
        self._repository = repository

    async def handle(self, request: web.Request) -> web.StreamResponse:
        response = await self._answer(request)
        header = request.headers.get("Authorization", "")
        self._repository.calls.append(Call(request.path_qs, header, response.status))
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        repository = self._repository
        if repository.busy:
            wait = repository.busy.pop(0)
            return web.Response(status=429, headers={"Retry-After": wait} if wait is not None else {})
        if request.path in repository.redirects:
            return web.Response(status=302, headers={"Location": repository.redirects[request.path]})
        if repository.username:
            pair = base64.b64encode(f"{repository.username}:{repository.password}".encode()).decode()
            if request.headers.get("Authorization") != f"Basic {pair}":
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="charts"'})
        content = repository.content(request.path)
        if content is None:
            return web.Response(status=404)
        return await self._send(request, content)

    async def _send(self, request: web.Request, content: bytes) -> web.StreamResponse:
        headers = dict(self._repository.extra_headers)
        if self._repository.has_validators:
            headers["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            if request.headers.get("If-None-Match") == headers["ETag"]:
                return web.Response(status=304, headers=headers)
        if self._repository.compresses and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            content = gzip.compress(content)
        if not self._repository.trickle:
            return web.Response(body=content, headers=headers)
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for start in range(0, len(content), 16):
            await response.write(content[start : start + 16])
            await asyncio.sleep(self._repository.trickle)
        return response


@contextlib.asynccontextmanager
async def chart_repository(context: ssl.SSLContext | None = None) -> AsyncIterator[ChartRepository]:
    """A running repository on 127.0.0.1; with TLS where a context is given."""
    repository = ChartRepository()
    app = web.Application()
    app.router.add_get("/{tail:.*}", _Handler(repository).handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    repository.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
    try:
        yield repository
    finally:
        await runner.cleanup()
