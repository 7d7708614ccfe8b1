"""A container registry on loopback, in memory: what pushing and pulling take of the OCI distribution API.

Anybody may push; uploads come in one piece. What is kept is bounded by the size of one request, since only
the demo itself pushes.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from cli.demo.loopback import served
from shared.oci.reference import digest_of

_LARGEST_REQUEST = 16 * 1024 * 1024
_NAME = "{name:[a-z0-9]+(?:[._/-][a-z0-9]+)*}"


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest as it was pushed."""

    content: bytes
    media_type: str


@dataclass(slots=True)
class Shelf:
    """One repository: blobs and manifests by digest, and which digest each tag means."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, Document] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Yields the registry's `host:port`; it speaks plain HTTP."""
    shop = _Shop()
    app = web.Application(client_max_size=_LARGEST_REQUEST)
    app.router.add_get("/v2/", shop.greet)
    app.router.add_get(f"/v2/{_NAME}/tags/list", shop.list_tags)
    app.router.add_post(f"/v2/{_NAME}/blobs/uploads/", shop.begin_upload)
    app.router.add_put(f"/v2/{_NAME}/blobs/uploads/{{upload}}", shop.finish_upload)
    app.router.add_get(f"/v2/{_NAME}/blobs/{{digest}}", shop.read_blob)
    app.router.add_put(f"/v2/{_NAME}/manifests/{{reference}}", shop.write_manifest)
    app.router.add_get(f"/v2/{_NAME}/manifests/{{reference}}", shop.read_manifest)
    async with served(app) as host:
        yield host


class _Shop:
    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}

    async def greet(self, _request: web.Request) -> web.Response:
        return web.json_response({})

    async def list_tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._shelves:
            raise _refusal(web.HTTPNotFound, "NAME_UNKNOWN", name)
        return web.json_response({"name": name, "tags": sorted(self._shelves[name].tags)})

    async def begin_upload(self, request: web.Request) -> web.Response:
        location = f"/v2/{request.match_info['name']}/blobs/uploads/{uuid.uuid4()}"
        return web.Response(status=202, headers={"Location": location})

    async def finish_upload(self, request: web.Request) -> web.Response:
        content = await request.read()
        digest = digest_of(content)
        if request.query.get("digest") != digest:
            raise _refusal(web.HTTPBadRequest, "DIGEST_INVALID", f"the content has {digest}")
        self._shelf(request).blobs[digest] = content
        location = f"/v2/{request.match_info['name']}/blobs/{digest}"
        return web.Response(status=201, headers={"Location": location, "Docker-Content-Digest": digest})

    async def read_blob(self, request: web.Request) -> web.Response:
        digest = request.match_info["digest"]
        content = self._shelf(request).blobs.get(digest)
        if content is None:
            raise _refusal(web.HTTPNotFound, "BLOB_UNKNOWN", digest)
        headers = {"Docker-Content-Digest": digest}
        return web.Response(body=content, headers=headers, content_type="application/octet-stream")

    async def write_manifest(self, request: web.Request) -> web.Response:
        reference, content = request.match_info["reference"], await request.read()
        shelf, digest = self._shelf(request), digest_of(content)
        if ":" in reference and reference != digest:
            raise _refusal(web.HTTPBadRequest, "DIGEST_INVALID", f"the content has {digest}")
        shelf.manifests[digest] = Document(content, request.content_type)
        if ":" not in reference:
            shelf.tags[reference] = digest
        return web.Response(status=201, headers={"Docker-Content-Digest": digest})

    async def read_manifest(self, request: web.Request) -> web.Response:
        reference, shelf = request.match_info["reference"], self._shelf(request)
        digest = shelf.tags.get(reference, reference)
        document = shelf.manifests.get(digest)
        if document is None:
            raise _refusal(web.HTTPNotFound, "MANIFEST_UNKNOWN", reference)
        headers = {"Docker-Content-Digest": digest}
        return web.Response(body=document.content, headers=headers, content_type=document.media_type)

    def _shelf(self, request: web.Request) -> Shelf:
        return self._shelves.setdefault(request.match_info["name"], Shelf())


def _refusal(kind: type[web.HTTPClientError], code: str, message: str) -> web.HTTPClientError:
    body = web.json_response({"errors": [{"code": code, "message": message}]}).text
    return kind(text=body, content_type="application/json")
