"""The server behind `lookup`: GETs of objects by those who hold the URL, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from shared.charts import engine_lookup
from shared.charts.engine_lookup import LookupAnswer, LookupFailed, LookupServer


async def reader(path: str) -> LookupAnswer:
    if path.endswith("/broken"):
        raise LookupFailed("the cluster is away")
    return LookupAnswer(200, path.encode())


@pytest.fixture
async def server() -> AsyncIterator[LookupServer]:
    server = LookupServer()
    yield server
    await server.close()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1",
        "/apis/apps/v1",
        "/api/v1/namespaces",
        "/api/v1/namespaces/shop",
        "/api/v1/namespaces/shop/configmaps",
        "/apis/apps/v1/namespaces/shop/deployments/web",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node",
    ],
)
async def test_paths_that_are_read(server: LookupServer, path: str) -> None:
    async with (
        server.access(reader) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}{path}?timeout=32s") as response,
    ):
        assert (response.status, await response.text()) == (200, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/namespaces/shop/configmaps"),
        ("DELETE", "/api/v1/namespaces/shop/configmaps/a"),
        ("PATCH", "/api/v1/namespaces/shop/configmaps/a"),
        ("GET", "/api/v1/namespaces/shop/pods/web/log"),
        ("GET", "/api/v1/namespaces/shop/services/web/proxy/x"),
        ("GET", "/metrics"),
        ("GET", "/"),
        ("GET", "/api/v1/namespaces/%2E%2E/pods"),
    ],
)
async def test_requests_that_are_refused(server: LookupServer, method: str, path: str) -> None:
    async with (
        server.access(reader) as url,
        aiohttp.ClientSession() as session,
        session.request(method, URL(url + path, encoded=True)) as response,
    ):
        assert response.status == 403
        assert (await response.json())["kind"] == "Status"


async def test_a_url_is_good_for_one_render(server: LookupServer) -> None:
    async with aiohttp.ClientSession() as session:
        async with server.access(reader) as url:
            other = url.rpartition("/")[0] + "/guess"
            async with session.get(f"{other}/api/v1") as response:
                assert response.status == 401
        async with session.get(f"{url}/api/v1") as response:
            assert response.status == 401


async def test_failures_and_bounds(server: LookupServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_lookup, "MAX_BODY_BYTES", 10)
    async with server.access(reader) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/api/v1/nodes/broken") as response:
            assert (await response.json())["message"] == "the cluster is away"
        async with session.get(f"{url}/api/v1/nodes/{'x' * 20}") as response:
            assert "larger than" in (await response.json())["message"]


async def test_a_chart_may_not_look_up_for_ever(server: LookupServer) -> None:
    async with server.access(reader) as url, aiohttp.ClientSession() as session:
        server._passes[url.rpartition("/")[2]].left = 1
        statuses = []
        for _ in range(2):
            async with session.get(f"{url}/api/v1") as response:
                statuses.append(response.status)
        assert statuses == [200, 403]
