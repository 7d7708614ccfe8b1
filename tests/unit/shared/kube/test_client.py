from __future__ import annotations

import asyncio
import time

import orjson
import pytest
from aiohttp import web

from shared.kube.client import Identity, KubeClient
from shared.kube.errors import (
    ApiError,
    ApiUnreachable,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ServerFailure,
    TooManyRequests,
    Unauthorized,
)
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import Object
from tests.unit.shared.kube.fake_api import fake_api, status

ERRORS = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    418: ApiError,
    422: Invalid,
    503: ServerFailure,
}


@pytest.mark.parametrize(("code", "error"), ERRORS.items())
async def test_failures_are_typed(code: int, error: type[ApiError]) -> None:
    async def handler(request: web.Request) -> web.Response:
        return status(code, "SomeReason", "some message")

    async with fake_api(handler) as client:
        with pytest.raises(error, match=r"^some message$") as raised:
            await client.get(CONFIG_MAP, "a", "b")
    assert (raised.value.status, raised.value.reason) == (code, "SomeReason")


async def test_only_a_status_is_quoted() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500, text="password=hunter2")

    async with fake_api(handler) as client:
        with pytest.raises(ServerFailure, match=r"^the server answered HTTP 500$"):
            await client.get(CONFIG_MAP, "a", "b")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b'{"a": '], ids=repr)
async def test_a_success_that_is_no_object_is_an_error(body: bytes) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with fake_api(handler) as client:
        with pytest.raises(ApiError):
            await client.get(CONFIG_MAP, "a", "b")


async def test_redirects_are_not_followed() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.path != "/stolen"
        return web.Response(status=302, headers={"Location": "/stolen"})

    async with fake_api(handler) as client:
        with pytest.raises(ApiError):
            await client.get(CONFIG_MAP, "a", "b")


async def test_a_throttled_call_is_repeated_when_the_server_said() -> None:
    seen: list[float] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(time.monotonic())
        if len(seen) == 1:
            return web.json_response({}, status=429, headers={"Retry-After": "1"})
        return web.json_response({"metadata": {}})

    async with fake_api(handler) as client:
        await client.patch(CONFIG_MAP, "a", "b", {})
    assert seen[1] - seen[0] >= 1


async def test_a_throttled_call_without_a_date_fails() -> None:
    async def handler(request: web.Request) -> web.Response:
        return status(429, "TooManyRequests", "later")

    async with fake_api(handler) as client:
        with pytest.raises(TooManyRequests):
            await client.get(CONFIG_MAP, "a", "b")


@pytest.mark.parametrize(("method", "calls"), [("get", 3), ("patch", 1), ("apply", 3), ("delete", 3)])
async def test_only_what_is_safe_is_repeated_after_a_broken_connection(method: str, calls: int) -> None:
    seen = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        if seen < 3:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"metadata": {}})

    async with fake_api(handler) as client:
        match method:
            case "get":
                await client.get(CONFIG_MAP, "a", "b")
            case "apply":
                await client.apply(CONFIG_MAP, {"metadata": {"name": "b"}}, field_manager="us")
            case "delete":
                await client.delete(CONFIG_MAP, "a", "b", uid="u")
            case _:
                with pytest.raises(ApiUnreachable):
                    await client.patch(CONFIG_MAP, "a", "b", {})
    assert seen == calls


async def test_a_closed_client_is_unreachable() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({})

    async with fake_api(handler) as client:
        await client.close()
        with pytest.raises(ApiUnreachable):
            await client.patch(CONFIG_MAP, "a", "b", {})


async def test_lists_read_all_pages_and_name_their_items() -> None:
    async def handler(request: web.Request) -> web.Response:
        page = int(request.query.get("continue") or 0)
        assert request.query["labelSelector"] == "a=b"
        meta = {"resourceVersion": "7"} | ({"continue": str(page + 1)} if page < 2 else {})
        return web.json_response({"metadata": meta, "items": [{"metadata": {"name": str(page)}}]})

    async with fake_api(handler) as client:
        listing = await client.list(CONFIG_MAP, label_selector="a=b")
    assert listing.resource_version == "7"
    assert [(item["kind"], item["apiVersion"], item["metadata"]["name"]) for item in listing.items] == [
        ("ConfigMap", "v1", name) for name in "012"
    ]


async def test_who_is_impersonated() -> None:
    seen: list[tuple[str | None, list[str]]] = []

    async def handler(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append((headers.get("Impersonate-User"), headers.getall("Impersonate-Group", [])))
        return web.json_response({})

    async with fake_api(handler) as client:
        await client.request("GET", "/")
        await client.impersonating(Identity.service_account("apps", "deployer")).request("GET", "/")
        await client.impersonating(Identity("jane", ("a", "b"))).request("GET", "/")
    assert seen == [(None, []), ("system:serviceaccount:apps:deployer", []), ("jane", ["a", "b"])]


async def test_names_cannot_leave_their_path() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"metadata": {"path": request.raw_path}})

    async with fake_api(handler) as client:
        answer = await client.get(CONFIG_MAP, "a/../b", "../../x?y")
    assert answer["metadata"]["path"] == "/api/v1/namespaces/a%2F..%2Fb/configmaps/..%2F..%2Fx%3Fy"


def event(type_: str, **obj: object) -> bytes:
    return orjson.dumps({"type": type_, "object": obj}) + b"\n"


async def watched(client: KubeClient) -> list[tuple[str, Object]]:
    return [item async for item in client.watch(CONFIG_MAP, resource_version="1")]


async def stream(request: web.Request, *chunks: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for chunk in chunks:
        await response.write(chunk)
        await asyncio.sleep(0.01)
    return response


async def test_watch_events_of_any_size_in_any_pieces() -> None:
    large = event("ADDED", metadata={"resourceVersion": "8", "annotations": {"a": "b" * 3_000_000}})
    meta = {"metadata": {"resourceVersion": "7"}}
    whole = event("BOOKMARK", **meta) + large + b"\n" + event("DELETED", **meta)

    async def handler(request: web.Request) -> web.StreamResponse:
        return await stream(request, whole[:7], whole[7:50], whole[50:2_000_000], whole[2_000_000:])

    opened: list[bool] = []
    async with fake_api(handler) as client:
        events = [
            item
            async for item in client.watch(
                CONFIG_MAP, resource_version="1", opened=lambda: opened.append(True)
            )
        ]
    assert [kind for kind, _ in events] == ["BOOKMARK", "ADDED", "DELETED"]
    assert opened == [True]


WATCH_FAILURES = {
    "an error event": (event("ERROR", kind="Status", code=410, reason="Expired", message="too old"), Gone),
    "half an event that is no JSON": (b'{"type": "ADD\n', ApiUnreachable),
    "something else": (b"[1]\n", ApiUnreachable),
    "an event without a version": (event("ADDED", metadata={"name": "x"}), ApiUnreachable),
    "an event with an odd version": (event("ADDED", metadata={"resourceVersion": 7}), ApiUnreachable),
    "an event without object": (b'{"type": "ADDED"}\n', ApiUnreachable),
}


@pytest.mark.parametrize(("body", "error"), WATCH_FAILURES.values(), ids=WATCH_FAILURES)
async def test_watches_fail_in_a_typed_way(body: bytes, error: type[Exception]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await stream(request, body)

    async with fake_api(handler) as client:
        with pytest.raises(error):
            await watched(client)


async def test_a_refused_watch_is_typed_too() -> None:
    async def handler(request: web.Request) -> web.Response:
        return status(403, "Forbidden", "no")

    async with fake_api(handler) as client:
        with pytest.raises(Forbidden):
            await watched(client)
