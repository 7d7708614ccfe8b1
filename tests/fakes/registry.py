"""A registry on loopback that speaks the OCI distribution protocol, and misbehaves on demand.

What a test makes go wrong (credentials, redirects, 429, wrong bytes, endless pages) are its fields; they
may change while it runs.
"""

from __future__ import annotations

import asyncio
import base64
import bisect
import contextlib
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiohttp import web

from shared.oci.authorization import Authorizations
from shared.oci.docker_config import Login
from shared.oci.gate import Gates
from shared.oci.manifest import INDEX, MANIFEST
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.oci.registry import Registry, opened


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: dict[str, str]
    authorization: str


@dataclass
class FakeRegistry:
    host: str = ""
    scheme: str = "http"
    username: str = ""
    password: str = ""
    bearer: bool = False
    """Send clients to a token service instead of asking for the password itself."""
    identity: str = ""
    """The refresh token that the token service takes."""
    lifetime: int = 300
    page: int = 1000
    endless: bool = False
    """Each page of tags names itself as the next."""
    repeats: bool = False
    """Each page of tags is the first again, under another URL."""
    padding: str = ""
    """What the address of each next page ends with."""
    etags: bool = False
    """Pages of tags carry an ETag, and are not sent again while it holds."""
    listing: dict[str, list[str]] = field(default_factory=dict)
    """Sorted tags of repositories that have no manifests: for more than would be pushed."""
    tags_sent: int = 0
    refuses_head: bool = False
    has_referrers: bool = True
    blobs_at: str = ""
    """Another origin to which blobs are redirected."""
    mangle: Callable[[bytes], bytes] | None = None
    """Applied to every blob and manifest that is read."""
    silence: float = 0.0
    """Seconds before anything is answered."""
    busy: list[str | None] = field(default_factory=list)
    """For each of the next requests a 429 with this Retry-After, or without."""
    trickle: float = 0.0
    """Seconds between the bytes of a blob."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def repository(self, path: str = "team/app") -> Repository:
        return Repository(self.host, path)

    def url(self, path: str = "team/app") -> str:
        return f"oci://{self.host}/{path}"

    def seen(self, method: str, part: str = "") -> int:
        return sum(call.method == method and part in call.path for call in self.calls)

    def add_tags(self, *tags: str, path: str = "team/app", annotations: dict[str, str] | None = None) -> str:
        """The same small manifest under each of the tags; its digest."""
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
        raw = json.dumps(document | ({"annotations": annotations} if annotations else {})).encode()
        digest = digest_of(raw)
        for reference in (*tags, digest):
            self.manifests[path, reference] = raw, MANIFEST
        return digest

    def opening(self, login: Login | None = None) -> Opening:
        own = Login(self.username, self.password)
        return Opening(own if login is None else login, insecure=True)

    @contextlib.asynccontextmanager
    async def client(
        self,
        path: str = "team/app",
        *,
        known: Authorizations | None = None,
        actions: str = "pull,push",
        gates: Gates | None = None,
    ) -> AsyncIterator[Registry]:
        async with opened(
            self.repository(path), self.opening(), known or Authorizations(), actions=actions, gates=gates
        ) as registry:
            yield registry

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(
            Call(
                request.method,
                request.path,
                dict(request.query),
                request.headers.get("Authorization", ""),
            )
        )
        await asyncio.sleep(self.silence)
        if self.busy:
            wait = self.busy.pop(0)
            return web.Response(status=429, headers={} if wait is None else {"Retry-After": wait})
        if request.path == "/token":
            return await self._token(request)
        if not self._authorized(request):
            realm = f"{self.scheme}://{self.host}"
            bearer = f'Bearer realm="{realm}/token",service="fake",scope="repository:x:pull,push"'
            challenge = bearer if self.bearer else 'Basic realm="fake"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return await self._route(request)

    def _authorized(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        if self.bearer:
            scope = self.tokens.get(given.removeprefix("Bearer "), "")
            name = request.path.removeprefix("/v2/").partition("/manifests/")[0].partition("/blobs/")[0]
            return not name or f":{name.partition('/tags/')[0].partition('/referrers/')[0]}:" in scope
        return not self.username or given == self._basic()

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        refreshed = bool(self.identity) and form.get("refresh_token") == self.identity
        allowed = not self.username or request.headers.get("Authorization") == self._basic()
        if not refreshed and (self.identity or not allowed):
            return web.json_response({"errors": [{"code": "UNAUTHORIZED", "message": "no"}]}, status=401)
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = str(form.get("scope") or request.query.get("scope", ""))
        name = "access_token" if refreshed else "token"
        return web.json_response({name: token, "expires_in": self.lifetime})

    async def _route(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/v2/")
        for part, serve in (
            ("/blobs/uploads/", self._upload),
            ("/blobs/", self._blob),
            ("/manifests/", self._manifest),
            ("/referrers/", self._referrers),
        ):
            name, found, reference = path.partition(part)
            if found:
                return await serve(request, name, reference)
        if path.endswith("/tags/list"):
            return self._tags(request, path.removesuffix("/tags/list"))
        return web.Response(status=200 if not path else 404)

    async def _upload(self, request: web.Request, name: str, _: str) -> web.Response:
        if request.method == "POST":
            return web.Response(
                status=202, headers={"Location": f"/v2/{name}/blobs/uploads/1?_state=a%2Fb%3D"}
            )
        content = await request.read()
        if request.query["digest"] != digest_of(content):
            return web.Response(status=400)
        self.blobs[digest_of(content)] = content
        return web.Response(status=201)

    async def _blob(self, request: web.Request, _: str, digest: str) -> web.StreamResponse:
        if digest not in self.blobs:
            return _unknown("BLOB_UNKNOWN")
        if self.blobs_at:
            raise web.HTTPTemporaryRedirect(f"{self.blobs_at}{request.path}?signature=a%2Fb%3D")
        content = self.mangle(self.blobs[digest]) if self.mangle else self.blobs[digest]
        if not self.trickle:
            return web.Response(body=content)
        response = web.StreamResponse()
        await response.prepare(request)
        for byte in content:
            await response.write(bytes([byte]))
            await asyncio.sleep(self.trickle)
        return response

    async def _manifest(self, request: web.Request, name: str, reference: str) -> web.Response:
        if request.method == "PUT":
            return self._keep(name, reference, await request.read(), request.content_type)
        if request.method == "HEAD" and self.refuses_head:
            return web.Response(status=405)
        if (name, reference) not in self.manifests:
            return _unknown("MANIFEST_UNKNOWN")
        raw, media_type = self.manifests[name, reference]
        headers = {"Docker-Content-Digest": digest_of(raw)}
        return web.Response(
            body=self.mangle(raw) if self.mangle else raw, content_type=media_type, headers=headers
        )

    def _keep(self, name: str, reference: str, raw: bytes, media_type: str) -> web.Response:
        digest = digest_of(raw)
        self.manifests[name, reference] = self.manifests[name, digest] = raw, media_type
        return web.Response(status=201, headers={"Docker-Content-Digest": digest})

    async def _referrers(self, _request: web.Request, name: str, digest: str) -> web.Response:
        if not self.has_referrers:
            return web.Response(status=404)
        found = {}
        for (repository, _reference), (raw, media_type) in self.manifests.items():
            document = json.loads(raw)
            if repository == name and (document.get("subject") or {}).get("digest") == digest:
                found[digest_of(raw)] = {
                    "mediaType": media_type,
                    "digest": digest_of(raw),
                    "size": len(raw),
                    "artifactType": document.get("artifactType", ""),
                }
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(found.values())}
        return web.json_response(body, content_type=INDEX)

    def _tags(self, request: web.Request, name: str) -> web.Response:
        tags = self.listing.get(name) or sorted(
            reference
            for repository, reference in self.manifests
            if repository == name and ":" not in reference
        )
        if not tags:
            return _unknown("NAME_UNKNOWN")
        first = bisect.bisect_right(tags, "" if self.repeats else request.query.get("last", ""))
        shown = tags[first : first + min(self.page, int(request.query.get("n", self.page)))]
        headers = {}
        if self.endless:
            headers["Link"] = f'<{request.path_qs}>; rel="next"'
        elif self.repeats or first + len(shown) < len(tags):
            last = f"x{len(self.calls)}" if self.repeats else shown[-1]
            path = f"/v2/{name}/tags/list?n={self.page}&last={last}{self.padding}"
            headers["Link"] = f'<{path}>; rel="next"'
        if self.etags:
            text = ",".join([*shown, headers.get("Link", "")])
            headers["ETag"] = f'"{digest_of(text.encode())}"'
            if request.headers.get("If-None-Match") == headers["ETag"]:
                return web.Response(status=304, headers={"ETag": headers["ETag"]})
        self.tags_sent += len(shown)
        return web.json_response({"name": name, "tags": shown}, headers=headers)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _unknown(code: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": "not known here"}]}, status=404)


@contextlib.asynccontextmanager
async def fake_registry(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeRegistry]:
    registry = FakeRegistry(scheme="https" if tls else "http")
    app = web.Application(client_max_size=256 * 1024**2)
    app.router.add_route("*", "/{path:.*}", registry.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    registry.host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield registry
    finally:
        await runner.cleanup()
