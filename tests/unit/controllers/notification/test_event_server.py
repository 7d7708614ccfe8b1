"""What the event server answers, and who hears of what came in."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession

from controllers.notification.dispatch import Dispatcher, Job
from controllers.notification.event_server import create_app
from controllers.notification.intake import Intake
from controllers.notification.measures import Measures
from controllers.notification.outgoing import DeliveryFailed
from controllers.notification.serve import MAX_BODY
from controllers.notification.sightings import Sightings
from controllers.notification.troubles import Troubles
from shared.kube.errors import NotFound
from shared.model.event import Event as Told
from shared.model.kinds import KUSTOMIZATION, Resource
from shared.model.meta import ObjectKey
from shared.runtime.address import Address
from shared.runtime.metrics import Metrics
from shared.runtime.probes import serving
from tests.e2e.processes import free_port
from tests.unit.controllers.notification.words import GROUP, event

KS = {"kind": "Kustomization", "name": "*"}


class Known(dict[ObjectKey, dict[str, Any]]):
    """What a synced cache offers: iteration over objects, and `find`."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        super().__init__({ObjectKey.of(obj): obj for obj in objects})
        self.synced = asyncio.Event()
        self.synced.set()

    def __iter__(self) -> Any:
        return iter(self.values())

    def find(self, key: ObjectKey) -> dict[str, Any] | None:
        return self.get(key)


class World:
    """Alerts and providers around a real intake; notes who would hear what, and what is told of alerts."""

    def __init__(self, alerts: list[dict[str, Any]], *, labels: dict[str, str] | None = None) -> None:
        self.labels, self.reads = labels, 0
        self.heard: list[tuple[str, str]] = []
        self.told: list[Told] = []
        self.registry = Metrics().registry
        self.measures = Measures(self.registry, with_paths=False)
        recorder: Any = type("R", (), {"tell": lambda _self, event: self.told.append(event)})()
        troubles = Troubles(recorder, self.measures)
        dispatcher = Dispatcher(self._deliver, troubles.failed, lambda _job: None)
        client: Any = self
        known: Any = Known(*alerts)
        providers: Any = Known(*(_object("Provider", name, {"type": name}) for name in ("slack", "generic")))
        self.intake = Intake(client, client, known, providers, dispatcher, troubles, cross_namespace=True)

    async def _deliver(self, job: Job) -> None:
        self.heard.append((job.provider.name, job.event.message))

    async def resource_of(self, _ref: object) -> Resource:
        return KUSTOMIZATION

    async def get(self, _resource: Resource, _namespace: str, name: str, *, metadata_only: bool) -> Any:
        assert metadata_only
        self.reads += 1
        if self.labels is None:
            raise NotFound(404, "NotFound", name)
        return {"metadata": {"labels": self.labels}}

    async def hears(self, *said: Any) -> list[tuple[str, str]]:
        for each in said:
            await self.intake.take(each)
        await asyncio.sleep(0.01)
        return self.heard


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    version = "notification.toolkit.fluxcd.io/v1beta3"
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "apps"},
        "spec": spec,
    }


def alert(name: str = "all", provider: str = "slack", **spec: Any) -> dict[str, Any]:
    return _object("Alert", name, {"providerRef": {"name": provider}, "eventSources": [KS]} | spec)


async def test_everybody_who_asked_hears_it() -> None:
    world = World([alert("a"), alert("b", "generic"), alert("c", suspend=True), {**alert("d"), "spec": {}}])
    assert await world.hears(event("m")) == [("slack", "m"), ("generic", "m")]
    update = event("done", severity="info", metadata={f"{GROUP}/commit_status": "update"})
    assert await world.hears(update) == [("slack", "m"), ("generic", "m"), ("generic", "done")]


async def test_labels_are_read_once_and_only_when_they_matter() -> None:
    labelled = [KS | {"matchLabels": {"team": "x"}}]
    world = World(
        [alert("a", eventSources=labelled), alert("b", "generic", eventSources=labelled)],
        labels={"team": "x"},
    )
    assert len(await world.hears(event())) == 2
    assert world.reads == 1
    world = World([alert(eventSources=[*labelled, KS])])
    assert len(await world.hears(event())) == 1
    assert world.reads == 0
    assert await World([alert(eventSources=labelled)], labels={"team": "y"}).hears(event()) == []


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"eventSources": [KS | {"matchLabels": {"a": "b"}}]}, "SourceFetchFailed",
         "error getting source object Kustomization/apps/webapp"),
        ({"inclusionList": ["a("]}, "InvalidConfig", "failed to compile inclusion regex: a("),
        ({"providerRef": {"name": "gone"}}, "NotificationDispatchFailed",
         "failed to dispatch notification for Kustomization/apps/webapp: failed to read provider: 'apps/gone' not found"),
    ],
)  # fmt: skip
async def test_what_is_told_of_an_alert(spec: dict[str, Any], reason: str, words: str) -> None:
    world = World([alert(**spec)])
    assert await world.hears(event()) == []
    (told,) = world.told
    assert (told.reason, told.message, told.involved["kind"]) == (reason, words, "Alert")


async def test_conflicting_metadata_is_told_and_sent() -> None:
    world = World([alert(eventMetadata={"revision": "mine"})])
    assert len(await world.hears(event(metadata={f"{GROUP}/revision": "theirs"}))) == 1
    (told,) = world.told
    assert told.reason == "MetadataAppendFailed"
    assert "involved object controller metadata" in told.metadata["revision"]


async def test_a_lost_delivery_is_told() -> None:
    world = World([])
    job = Job(ObjectKey("apps", "chat"), alert(), event())
    world.intake.troubles.failed(job, DeliveryFailed("HTTP 503"), final=False)
    assert "HTTP 503 (it is tried again)" in world.told[0].message
    assert (
        world.registry.get_sample_value(
            "headwater_notifications_total", {"namespace": "apps", "name": "chat", "result": "retried"}
        )
        == 1
    )


async def test_answers() -> None:
    world = World([alert()])
    body = orjson.dumps(event("m").render())
    other = orjson.dumps(event("m", severity="info", reason="Other").render())
    app = create_app(world.intake, Sightings(300, asyncio.get_running_loop().time), world.measures)
    address = Address("127.0.0.1", free_port())
    async with serving(app, address), ClientSession() as session:

        async def send(method: str, sent: bytes, path: str = "/") -> tuple[int, bytes]:
            async with session.request(method, f"http://{address}{path}", data=io.BytesIO(sent)) as answer:
                if answer.status == 429:
                    assert answer.headers["Retry-After"] == answer.headers["X-RateLimit-Reset"]
                return answer.status, await answer.read()

        assert await send("POST", body) == (202, b"")
        assert await send("POST", body) == (429, b"Too Many Requests")
        assert await send("PUT", other, "/any/path") == (429, b"Too Many Requests")
        assert await send("POST", b"{") == (400, b"")
        assert await send("GET", b"") == (400, b"")
        assert await send("POST", b"x" * (MAX_BODY + 1)) == (413, b"")
    assert world.heard == [("slack", "m")]
