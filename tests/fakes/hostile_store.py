"""A store that speaks S3 and means no good: the bucket's name says how it misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

SECRET = "canary-of-the-answer"


@dataclass
class HostileStore:
    """`asked` are method and target of every request, `authorized` those with an Authorization header."""

    endpoint: str = ""
    asked: list[str] = field(default_factory=list)
    authorized: list[str] = field(default_factory=list)


def listing(keys: dict[str, int], *, token: str = "") -> str:
    items = "".join(
        f"<Contents><Key>{key}</Key><ETag>&quot;e&quot;</ETag><Size>{size}</Size></Contents>"
        for key, size in keys.items()
    )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    return f"<ListBucketResult>{items}{more if token else ''}</ListBucketResult>"


@asynccontextmanager
async def hostile_store() -> AsyncIterator[HostileStore]:
    store = HostileStore()

    async def answer(request: web.Request) -> web.StreamResponse:
        store.asked.append(f"{request.method} {request.path_qs}")
        if "Authorization" in request.headers:
            store.authorized.append(request.path_qs)
        bucket, _, key = request.match_info["path"].partition("/")
        if key:
            return await _object(request, bucket, key)
        return await _listing(request, bucket, store)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    store.endpoint = f"{host}:{port}"
    try:
        yield store
    finally:
        await runner.cleanup()


def _endless(request: web.Request) -> web.Response:
    page = int(request.query.get("continuation-token", "0"))
    return web.Response(text=listing({f"k{page}": 1}, token=str(page + 1)))


def _denied() -> web.Response:
    said = f"token=Bearer {SECRET}0123456789=\n  https://x?X-Amz-Signature={SECRET}"
    text = f"<Error><Code>AccessDenied</Code><Message>{said}</Message></Error>"
    return web.Response(status=403, text=text)


ANSWERS = {
    "busy": lambda: web.Response(status=429, headers={"Retry-After": "120"}),
    "overloaded": lambda: web.Response(status=503, text="<Error><Code>SlowDown</Code></Error>"),
    "circle": lambda: web.Response(text=listing({"k": 1}, token="again")),
    "garbage": lambda: web.Response(text="<html>welcome to the login page</body>"),
    "entities": lambda: web.Response(
        text='<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult>&a;</ListBucketResult>'
    ),
    "huge-page": lambda: web.Response(text="<ListBucketResult>" + " " * (17 * 1024**2)),
    "denied": _denied,
    "too-large": lambda: web.Response(text=listing({"a": 2**40})),
    "liar": lambda: web.Response(text=listing({"a": 1})),
    "vanishing": lambda: web.Response(text=listing({"a.yaml": 1, "b.yaml": 1})),
    "cut-off": lambda: web.Response(text=listing({"a.yaml": 1})),
    "nowhere": lambda: web.Response(status=404, text="<Error><Code>NoSuchBucket</Code></Error>"),
}


async def _listing(request: web.Request, bucket: str, store: HostileStore) -> web.StreamResponse:
    if bucket == "endless":
        return _endless(request)
    if bucket == "elsewhere":
        target = f"http://localhost:{store.endpoint.rpartition(':')[2]}/stolen/"
        return web.Response(status=307, headers={"Location": target})
    if bucket == "slow":
        return await _trickle(request)
    return ANSWERS.get(bucket, ANSWERS["nowhere"])()


async def _object(request: web.Request, bucket: str, key: str) -> web.StreamResponse:
    if bucket == "liar":
        response = web.StreamResponse(headers={"ETag": '"e"'})
        await response.prepare(request)
        while True:
            await response.write(bytes(1024**2))
    if bucket == "cut-off":
        response = web.StreamResponse(headers={"ETag": '"e"', "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return response
    if bucket == "vanishing" and key == "a.yaml":
        return web.Response(text="1", headers={"ETag": '"other"'})
    return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")


async def _trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.2)
