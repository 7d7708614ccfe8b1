"""Watches: shared lines, slow readers, and what a selection sees."""

import asyncio

import orjson
import pytest

from localcluster.auth.users import ADMIN
from localcluster.http.accept import Form
from localcluster.http.options import read_list_options
from localcluster.resources.registry import Registry
from localcluster.store.store import Store
from localcluster.verbs import watching
from localcluster.verbs.call import Call
from localcluster.verbs.watching import Overflow, watch
from tests.fakes.localcluster_server import TOKEN, RunningCluster, config_map

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def _call(name: str = "") -> Call:
    resource = Registry().find("", "v1", "configmaps")
    assert resource is not None
    return Call(resource, ADMIN, "default", name)


def _put(store: Store, name: str, **labels: str) -> None:
    obj = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default"}}
    obj["metadata"]["labels"] = labels
    store.put("configmaps", ("default", name), obj)


async def _next_events(chunks, count: int) -> list[tuple[str, str]]:
    events: list[tuple[str, str]] = []
    async with asyncio.timeout(5):
        while len(events) < count:
            for line in (await anext(chunks)).splitlines():
                event = orjson.loads(line)
                events.append((event["type"], event["object"]["metadata"].get("name", "")))
    return events


async def test_an_object_enters_and_leaves_a_selection() -> None:
    store = Store()
    options = read_list_options({"labelSelector": "on=y"}, watch=True)
    chunks = watch(store, _call(), options, Form.WHOLE)
    first = asyncio.create_task(_next_events(chunks, 3))
    await asyncio.sleep(0)
    _put(store, "a", on="n")
    _put(store, "a", on="y")
    _put(store, "a", on="y")
    _put(store, "a", on="n")
    assert await first == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    await chunks.aclose()
    assert store.collection("configmaps").listeners == []


async def test_a_watch_may_begin_with_nothing_but_what_happens() -> None:
    store = Store()
    _put(store, "old")
    query = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
    chunks = watch(store, _call(), read_list_options(query, watch=True), Form.WHOLE)
    first = asyncio.create_task(_next_events(chunks, 1))
    await asyncio.sleep(0)
    _put(store, "new")
    assert await first == [("ADDED", "new")]
    await chunks.aclose()


async def test_a_line_is_made_once_for_all_watchers() -> None:
    store = Store()
    call = _call()
    streams = [watch(store, call, read_list_options({}, watch=True), Form.WHOLE) for _ in range(3)]
    waiting = [asyncio.create_task(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    _put(store, "a")
    lines = await asyncio.gather(*waiting)
    assert lines[0] is lines[1] is lines[2]
    for stream in streams:
        await stream.aclose()


async def test_who_does_not_read_is_cut_off(monkeypatch) -> None:
    monkeypatch.setattr(watching, "MAX_PENDING_LINES", 10)
    store = Store()
    chunks = watch(store, _call(), read_list_options({}, watch=True), Form.WHOLE)
    reading = asyncio.create_task(anext(chunks))
    await asyncio.sleep(0)
    for number in range(100):
        _put(store, f"n{number}")
    with pytest.raises(Overflow):
        await reading
    assert store.collection("configmaps").listeners == []


async def test_a_client_that_goes_leaves_nothing_behind(cluster: RunningCluster) -> None:
    listeners = cluster.server.cluster.store.collection("configmaps").listeners
    before = len(listeners)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for _ in range(5):
        response = await cluster.session.get(f"{cluster.url}{CONFIG_MAPS}?watch=1", headers=headers)
        assert await response.content.readline()
        response.close()
    async with asyncio.timeout(5):
        while len(listeners) > before:
            await asyncio.sleep(0.01)


async def test_a_thousand_idle_watches_cost_little(cluster: RunningCluster) -> None:
    store = cluster.server.cluster.store
    call = _call()
    options = read_list_options({"resourceVersion": str(store.version)}, watch=True)
    streams = [watch(store, call, options, Form.WHOLE) for _ in range(1000)]
    waiting = [asyncio.create_task(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    reply = await cluster.request("POST", CONFIG_MAPS, config_map("one"))
    assert reply.status == 201
    lines = await asyncio.gather(*waiting)
    assert len(set(lines)) == 1
    for stream in streams:
        await stream.aclose()
