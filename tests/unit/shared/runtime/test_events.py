"""Events as the API server and a notification service on loopback receive them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import structlog
from aiohttp import web

from shared.model.event import Event, EventType
from shared.model.kinds import EVENT
from shared.runtime.events import Recorder

NEWS = EventType.NORMAL


def involved(namespace: str, **changed: str) -> dict[str, str]:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "namespace": namespace,
        "name": "repo",
        "uid": "1-2-3",
        "resourceVersion": "7",
    } | changed


@dataclass
class Sink:
    """A notification service that answers what it is told to, and 202 after that."""

    answers: list[int] = field(default_factory=list)
    bodies: list[dict] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(json.loads(await request.read()))
        self.types.append(request.content_type)
        return web.Response(status=self.answers.pop(0) if self.answers else 202)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    sink, app = Sink(), web.Application()
    app.router.add_post("/", sink.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield sink
    await runner.cleanup()


@asynccontextmanager
async def recorder(client, address: str = "") -> AsyncIterator[Recorder]:
    made = Recorder(client, controller="test-controller", events_addr=address, first_wait=0.01)
    running = asyncio.create_task(made.run())
    try:
        yield made
        await made.drain(5)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def events(client, namespace):
    return (await client.list(EVENT, namespace)).items


async def test_the_event_in_the_cluster(client, namespace):
    metadata = {"source.toolkit.fluxcd.io/revision": "main@sha1:1"}
    async with recorder(client) as told:
        told.tell(Event(involved(namespace), EventType.WARNING, "GitOperationFailed", "no route", metadata))
    (event,) = await events(client, namespace)
    assert event["involvedObject"] == involved(namespace)
    assert (event["type"], event["reason"], event["message"]) == (
        "Warning",
        "GitOperationFailed",
        "no route",
    )
    assert event["source"]["component"] == event["reportingComponent"] == "test-controller"
    assert event["metadata"]["annotations"] == metadata
    assert event["metadata"]["name"].startswith("repo.")
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"]


async def test_what_repeats_itself_is_counted(client, namespace):
    async with recorder(client) as told:
        for message in ("again", "again", "other", "again"):
            told.tell(Event(involved(namespace), NEWS, "Progressing", message))
    found = {event["message"]: event["count"] for event in await events(client, namespace)}
    assert found == {"again": 3, "other": 1}


async def test_what_the_server_has_let_go_is_told_anew(client, namespace):
    async with recorder(client) as told:
        told.tell(Event(involved(namespace), NEWS, "Progressing", "hello"))
        await told.drain(5)
        (first,) = await events(client, namespace)
        await client.delete(EVENT, namespace, first["metadata"]["name"])
        told.tell(Event(involved(namespace), NEWS, "Progressing", "hello"))
    (second,) = await events(client, namespace)
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert second["count"] == 1


async def test_an_event_of_an_object_without_namespace_is_kept_in_default(client, namespace):
    async with recorder(client) as told:
        told.tell(Event(involved("", name=namespace), NEWS, "Progressing", "hello"))
    found = [e for e in await events(client, "default") if e["involvedObject"]["name"] == namespace]
    assert len(found) == 1
    await client.delete(EVENT, "default", found[0]["metadata"]["name"])


async def test_long_messages_and_strange_letters_arrive_cut_and_readable(client, namespace, sink):
    text = "caf\udce9 " + "ü" * 40_000
    async with recorder(client, sink.url) as told:
        told.tell(Event(involved(namespace), NEWS, "Progressing", text))
    (event,) = await events(client, namespace)
    assert len(event["message"].encode()) <= 1_024
    assert event["message"].startswith("caf? ü")
    (body,) = sink.bodies
    assert 38_990 < len(body["message"].encode()) <= 39_000
    assert body["message"].endswith("...")


@pytest.mark.parametrize(
    ("kind", "severity"), [(EventType.NORMAL, "info"), (EventType.WARNING, "error")], ids=str
)
async def test_the_body_of_a_post(client, namespace, sink, kind, severity):
    metadata = {"source.toolkit.fluxcd.io/revision": "main@sha1:1"}
    async with recorder(client, sink.url) as told:
        told.tell(Event(involved(namespace), kind, "NewArtifact", "stored it", metadata))
    (body,) = sink.bodies
    assert sink.types == ["application/json"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body.pop("timestamp"))
    assert body.pop("reportingInstance")
    assert body == {
        "involvedObject": involved(namespace),
        "severity": severity,
        "message": "stored it",
        "reason": "NewArtifact",
        "metadata": metadata,
        "reportingController": "test-controller",
    }


async def test_metadata_that_is_empty_and_traces_are_not_posted(client, namespace, sink):
    async with recorder(client, sink.url) as told:
        told.tell(Event(involved(namespace), EventType.TRACE, "ArtifactUpToDate", "nothing new"))
        told.tell(Event(involved(namespace), NEWS, "Progressing", "hello"))
    assert [body["reason"] for body in sink.bodies] == ["Progressing"]
    assert "metadata" not in sink.bodies[0]
    assert len(await events(client, namespace)) == 2


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([500, 503], (3, [])),
        ([429], (1, [])),
        ([400], (1, ["HTTP 400"])),
        ([302], (1, ["HTTP 302"])),
        ([500] * 9, (5, ["HTTP 500"])),
    ],
    ids=["a server in trouble", "heard already", "refused", "elsewhere", "a server that stays in trouble"],
)
async def test_what_is_posted_again(client, namespace, sink, answers, expected):
    sink.answers = list(answers)
    with structlog.testing.capture_logs() as lines:
        async with recorder(client, sink.url) as told:
            told.tell(Event(involved(namespace), NEWS, "Progressing", "hello"))
    complaints = [line for line in lines if line["event"] == "unable to record event"]
    assert (len(sink.bodies), [line["error"] for line in complaints]) == expected
    for line in complaints:
        assert (line["reconciler kind"], line["name"], line["namespace"]) == (
            "GitRepository",
            "repo",
            namespace,
        )


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "not an address", "ftp://127.0.0.1/"])
async def test_a_service_that_cannot_be_reached_costs_a_line(client, namespace, address):
    with structlog.testing.capture_logs() as lines:
        async with recorder(client, address) as told:
            told.tell(Event(involved(namespace), NEWS, "Progressing", "hello"))
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["unable to record event"]
    assert len(await events(client, namespace)) == 1


@pytest.mark.parametrize("missing", ["kind", "namespace", "name"])
async def test_an_event_about_nothing_is_not_posted(client, sink, missing):
    with structlog.testing.capture_logs() as lines:
        told = Recorder(client, controller="test-controller", events_addr=sink.url)
        told.tell(Event(involved("default") | {missing: ""}, NEWS, "Progressing", "hello"))
    assert told._posts.empty()
    assert [line["error"] for line in lines if line["log_level"] == "error"] == [
        f"the involved object has no {missing}"
    ]


async def test_a_full_queue_drops_the_newest_and_says_so(client, namespace):
    with structlog.testing.capture_logs() as lines:
        told = Recorder(client, controller="test-controller")
        for number in range(2_001):
            told.tell(Event(involved(namespace), NEWS, "Progressing", f"message {number}"))
    assert told._queue.qsize() == 2_000
    assert [line["error"] for line in lines if line["log_level"] == "error"] == [
        "too many events are waiting"
    ]


async def test_no_credentials_leave(client, namespace, sink):
    async with recorder(client, sink.url) as told:
        message = "cannot clone https://me:hunter2@example.com/repo"
        told.tell(Event(involved(namespace), EventType.WARNING, "GitOperationFailed", message))
    assert "hunter2" not in str(sink.bodies) + str(await events(client, namespace))
    assert "https://***@example.com/repo" in sink.bodies[0]["message"]


async def test_the_drain_ends_though_nobody_listens(client, namespace):
    told = Recorder(client, controller="test-controller")
    told.tell(Event(involved(namespace), NEWS, "Progressing", "hello"))
    async with asyncio.timeout(1):
        await told.drain(0.05)
