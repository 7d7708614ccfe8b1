from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from aiohttp import web

from shared.kube.discovery import Discovery
from shared.kube.errors import ServerFailure, UnknownKind
from shared.model.meta import ObjectRef
from tests.unit.shared.kube.fake_api import fake_api, status

WIDGET = {"name": "widgets", "kind": "Widget", "namespaced": True}
SCALE = {"name": "widgets/scale", "kind": "Scale", "namespaced": True}


class Server:
    def __init__(self, **served: list[dict[str, object]]) -> None:
        self.served = served
        self.asked: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        if request.path == "/apis/example.com":
            versions = [{"groupVersion": f"example.com/{version}"} for version in self.served]
            return web.json_response({"versions": versions}) if versions else status(404)
        version = request.path.rpartition("/")[2]
        found = self.served.get(version)
        return web.json_response({"resources": found}) if found is not None else status(404)


async def test_a_group_version_is_asked_once() -> None:
    server = Server(v1=[WIDGET, SCALE])
    async with fake_api(server.handle) as client:
        discovery = Discovery(client)
        found = await asyncio.gather(*(discovery.resource("example.com/v1", "Widget") for _ in range(10)))
        assert {(item.plural, item.namespaced) for item in found} == {("widgets", True)}
        with pytest.raises(UnknownKind, match=r'no matches for kind "Scale" in version "example\.com/v1"'):
            await discovery.resource("example.com/v1", "Scale")
        assert server.asked == {"/apis/example.com/v1": 1}


async def test_a_miss_is_asked_again_once_it_is_forgotten() -> None:
    server = Server()
    async with fake_api(server.handle) as client:
        discovery = Discovery(client)
        with pytest.raises(UnknownKind):
            await discovery.resource("example.com/v1", "Widget")
        server.served["v1"] = [WIDGET]
        with pytest.raises(UnknownKind):
            await discovery.resource("example.com/v1", "Widget")
        discovery.forget("example.com/v1")
        assert (await discovery.resource("example.com/v1", "Widget")).plural == "widgets"


async def test_an_object_is_found_in_another_version_of_its_group() -> None:
    server = Server(v2=[WIDGET])
    async with fake_api(server.handle) as client:
        discovery = Discovery(client)
        found = await discovery.find_resource(ObjectRef("example.com/v1", "Widget", "n", "x"))
        assert found is not None
        assert found.version == "v2"
        assert await discovery.find_resource(ObjectRef("example.com/v1", "Gadget", "n", "x")) is None


async def test_a_server_that_cannot_tell_is_an_error_and_no_miss() -> None:
    async def handler(request: web.Request) -> web.Response:
        return status(503, "ServiceUnavailable", "later")

    async with fake_api(handler) as client:
        with pytest.raises(ServerFailure):
            await Discovery(client).find_resource(ObjectRef("example.com/v1", "Widget", "n", "x"))
