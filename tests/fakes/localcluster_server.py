"""An embedded cluster in the test's own event loop, on a free port, over plain HTTP.

Use it as a fixture:

    from tests.fakes.localcluster_server import RunningCluster, running_cluster

    @pytest.fixture
    async def cluster() -> AsyncIterator[RunningCluster]:
        async with running_cluster() as started:
            yield started
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from localcluster.process import Server, Settings

TOKEN = "test-admin"
MERGE = "application/merge-patch+json"
LARGE_BYTES = 1 << 20
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


class RunningCluster:
    """`request` speaks JSON; `session` is there for everything else."""

    def __init__(self, server: Server, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session
        self.url = server.url

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: str = "application/json",
        headers: dict[str, str] | None = None,
        token: str | None = TOKEN,
    ) -> Reply:
        sent = {"Content-Type": content, "User-Agent": "tester/1", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data: Any = body if isinstance(body, bytes | None) else orjson.dumps(body)
        if data is not None and len(data) > LARGE_BYTES:
            data = io.BytesIO(data)
        async with self.session.request(method, self.url + path, data=data, headers=sent) as response:
            text = await response.read()
            is_json = response.content_type == "application/json"
            return Reply(
                response.status, dict(response.headers), orjson.loads(text) if is_json and text else text
            )

    async def until(self, path: str, *, status: int = 200, seconds: float = 5.0) -> Reply:
        """Read a path again and again until it answers with this status."""
        async with asyncio.timeout(seconds):
            while (reply := await self.request("GET", path)).status != status:
                await asyncio.sleep(0.01)
            return reply


@asynccontextmanager
async def running_cluster(*, data: Path | None = None) -> AsyncIterator[RunningCluster]:
    settings = Settings(token=TOKEN, insecure_http=True, data=data)
    async with Server(settings) as server, aiohttp.ClientSession() as session:
        yield RunningCluster(server, session)


def config_map(name: str, **data: str) -> dict[str, Any]:
    obj: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return {**obj, "data": data} if data else obj


def definition(group: str = "example.com", **version: Any) -> dict[str, Any]:
    """A CRD of Widgets with the status subresource and a free spec."""
    schema = {
        "type": "object",
        "properties": {
            name: {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            for name in ("spec", "status")
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    **version,
                }
            ],
        },
    }
