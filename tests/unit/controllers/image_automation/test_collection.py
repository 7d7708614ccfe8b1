from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from controllers.image_automation.collection import collect
from controllers.image_automation.tag_store import TagStore
from shared.kube.cache import Cache
from shared.model.kinds import IMAGE_REPOSITORY
from shared.model.meta import ObjectKey
from tests.unit.shared.kube.fake_api import fake_api, status

LIVE, GONE = ObjectKey("apps", "live"), ObjectKey("apps", "gone")


def stored(folder: Path) -> TagStore:
    store = TagStore(folder)
    for key in (LIVE, GONE):
        store.keep(key, "x", ["1"])
    return store


async def answer(request: web.Request) -> web.StreamResponse:
    if "watch" in request.query:
        await asyncio.sleep(60)
    item = {"metadata": {"name": LIVE.name, "namespace": LIVE.namespace, "resourceVersion": "1"}}
    return web.json_response({"metadata": {"resourceVersion": "1"}, "items": [item]})


async def refuse(_request: web.Request) -> web.StreamResponse:
    return status(403, "Forbidden", "no rights")


@asynccontextmanager
async def running(cache: Cache) -> AsyncIterator[None]:
    task = asyncio.create_task(cache.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_only_tags_of_deleted_objects_go(tmp_path: Path) -> None:
    store = stored(tmp_path)
    async with fake_api(answer) as client:
        cache = Cache(client, IMAGE_REPOSITORY)
        async with running(cache):
            await asyncio.wait_for(cache.synced.wait(), 5)
            await collect(store, cache)
    assert (store.load(LIVE, "x"), store.load(GONE, "x")) == (["1"], None)


async def test_nothing_goes_while_the_objects_are_not_known(tmp_path: Path) -> None:
    store = stored(tmp_path)
    async with fake_api(refuse) as client:
        cache = Cache(client, IMAGE_REPOSITORY)
        async with running(cache):
            await asyncio.sleep(0.05)
            await collect(store, cache)
    assert (store.load(LIVE, "x"), store.load(GONE, "x")) == (["1"], ["1"])
