from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import Object, ObjectKey
from tests.unit.shared.kube.fake_api import fake_api, status, until


def obj(name: str, version: int) -> Object:
    meta = {"name": name, "namespace": "n", "resourceVersion": str(version), "managedFields": [{}]}
    return {"metadata": meta}


@dataclass
class Script:
    """What the server lists, and what each watch says before it ends."""

    lists: list[list[Object]]
    watches: list[list[tuple[str, Object]]]
    list_failures: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.asked.append("list")
            if self.list_failures:
                return status(self.list_failures.pop(0))
            items = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
            return web.json_response({"metadata": {"resourceVersion": "100"}, "items": items})
        self.asked.append(f"watch {request.query['resourceVersion']}")
        response = web.StreamResponse()
        await response.prepare(request)
        if self.watches:
            for kind, item in self.watches.pop(0):
                await response.write(orjson.dumps({"type": kind, "object": item}) + b"\n")
            return response
        await self.released.wait()
        return response


@asynccontextmanager
async def running(script: Script) -> AsyncIterator[tuple[Cache, list[Change], KubeClient]]:
    async with fake_api(script.handle) as client:
        cache, changes = Cache(client, CONFIG_MAP), []
        cache.subscribe(changes.append)
        task = asyncio.create_task(cache.run())
        try:
            yield cache, changes, client
        finally:
            script.released.set()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def told(changes: list[Change]) -> list[str]:
    def version(item: Object | None) -> str:
        return item["metadata"]["resourceVersion"] if item is not None else "-"

    return [f"{change.key.name} {version(change.before)}>{version(change.after)}" for change in changes]


async def test_follows_a_list_and_its_changes() -> None:
    events = [("MODIFIED", obj("a", 101)), ("ADDED", obj("c", 102)), ("DELETED", obj("b", 103))]
    script = Script([[obj("a", 1), obj("b", 2)]], [events])
    async with running(script) as (cache, changes, _):
        await until(lambda: len(changes) == 5)
        assert told(changes) == ["a ->1", "b ->2", "a 1>101", "c ->102", "b 2>-"]
        assert [ObjectKey.of(item).name for item in cache] == ["a", "c"]
        assert cache.find(ObjectKey("n", "b")) is None
        assert "managedFields" not in next(iter(cache))["metadata"]


async def test_resumes_where_a_watch_ended() -> None:
    script = Script([[]], [[("BOOKMARK", obj("", 150))], [("ADDED", obj("a", 151))]])
    async with running(script) as (_, changes, __):
        await until(lambda: len(script.asked) == 4)
        assert script.asked == ["list", "watch 100", "watch 150", "watch 151"]
        assert told(changes) == ["a ->151"]


async def test_lists_again_when_the_version_is_too_old() -> None:
    expired = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    script = Script([[obj("a", 1), obj("b", 1)], [obj("b", 2), obj("c", 1)]], [[("ERROR", expired)]])
    async with running(script) as (_, changes, __):
        await until(lambda: len(changes) == 5)
        assert told(changes) == ["a ->1", "b ->1", "a 1>-", "b 1>2", "c ->1"]


async def test_is_broken_until_it_follows_again() -> None:
    script = Script([[]], [], list_failures=[500, 403])
    async with running(script) as (cache, _, __):
        await until(lambda: cache.broken_since is not None)
        assert not cache.synced.is_set()
        await until(cache.synced.is_set)
        await until(lambda: cache.broken_since is None)


async def test_a_kind_that_is_not_served_has_no_objects() -> None:
    script = Script([[]], [], list_failures=[404])
    async with running(script) as (cache, _, __):
        await until(cache.synced.is_set)
        assert (len(cache), cache.broken_since) == (0, float("-inf"))
        await until(lambda: cache.broken_since is None)


async def test_a_server_that_ends_every_watch_at_once_is_not_hammered() -> None:
    script = Script([[]], [[] for _ in range(1000)])
    async with running(script):
        await asyncio.sleep(1.0)
        assert len(script.asked) < 10


async def test_a_subscriber_can_leave() -> None:
    script = Script([[obj("a", 1)]], [])
    async with running(script) as (cache, _, __):
        heard: list[Change] = []
        leave = cache.subscribe(heard.append)
        leave()
        await cache.synced.wait()
        assert heard == []
