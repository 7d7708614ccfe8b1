"""From a bad commit to a chat room and back: all processes, real payloads."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from shared.model.kinds import KUSTOMIZATION
from tests.e2e.conftest import Controllers
from tests.e2e.notification.conftest import Notification, Words
from tests.e2e.repository import Repository, config_map
from tests.e2e.rollout import pushed, started
from tests.e2e.world import World, eventually
from tests.fakes.webhook_sink import Call, Reply, Sink

pytestmark = pytest.mark.e2e

PLATFORMS = ("slack", "msteams", "discord", "generic")


def of(sink: Sink, platform: str) -> list[Call]:
    return [call for call in sink.calls if call.path.startswith(f"/{platform}")]


async def said(sink: Sink, text: str) -> None:
    """Every platform heard that."""

    async def check() -> bool:
        return all(any(text.encode() in call.body for call in of(sink, name)) for name in PLATFORMS)

    await eventually(check, seconds=20)


async def test_a_failure_and_its_recovery_arrive_everywhere(
    world: World,
    telling_controllers: Controllers,
    words: Words,
    repository: Repository,
    sink: Sink,
) -> None:
    """The alerts are of the notification controller's shard, the objects of the others'."""
    for platform in PLATFORMS:
        await words.make("Provider", platform, type=platform, address=f"{sink.url}/{platform}")
        await words.make(
            "Alert",
            platform,
            providerRef={"name": platform},
            eventSources=[{"kind": "Kustomization", "name": "*"}],
            eventMetadata={"cluster": "test"},
        )
    telling = replace(world, run_id=f"{world.run_id}-t", _made=[])
    try:
        repository.commit({"a.yaml": config_map("a", key="1")})
        await started(telling, repository)
        await pushed(telling, repository, bad="a: [1\nb: 2\n")
        await telling.failing(KUSTOMIZATION, "web", "BuildFailed")
        await said(sink, "bad.yaml")
        revision = await pushed(telling, repository, a=config_map("a", key="2"), remove=("bad.yaml",))
        await telling.ready(KUSTOMIZATION, "web", revision=revision)
        await said(sink, revision)
    finally:
        await telling.clean_up()

    (failure,) = [call.json for call in of(sink, "slack") if b"bad.yaml" in call.body]
    (attachment,) = failure["attachments"]
    assert failure["username"] == "kustomize-controller"
    assert attachment["color"] == "danger"
    assert attachment["author_name"] == f"kustomization/web.{world.namespace}"
    assert {"title": "cluster", "value": "test", "short": False} in attachment["fields"]
    (failure,) = [call for call in of(sink, "discord") if b"bad.yaml" in call.body]
    assert (failure.path, failure.json["attachments"][0]["color"]) == ("/discord/slack", "danger")
    (failure,) = [call.json for call in of(sink, "msteams") if b"bad.yaml" in call.body]
    title, text, facts = failure["attachments"][0]["content"]["body"][0]["items"]
    assert title["text"] == f"kustomization/web.{world.namespace}"
    assert text["color"] == "attention"
    assert {"title": "cluster", "value": "test"} in facts["facts"]
    (failure,) = [call.json for call in of(sink, "generic") if b"bad.yaml" in call.body]
    assert (failure["severity"], failure["reason"]) == ("error", "BuildFailed")
    assert failure["involvedObject"]["kind"] == "Kustomization"


async def test_a_provider_that_was_down_hears_it_later_and_in_order(
    world: World, notification: Notification, words: Words, sink: Sink
) -> None:
    sink.answer = lambda _call: Reply(503 if len(sink.calls) == 1 else 200)
    await words.make("Provider", "hook", type="generic", address=sink.url)
    source = {"kind": "Kustomization", "name": "*"}
    await words.make("Alert", "all", providerRef={"name": "hook"}, eventSources=[source])
    await words.make("Provider", "lost", type="generic", address="nowhere")
    await words.make("Alert", "lost", providerRef={"name": "lost"}, eventSources=[source])
    statuses = []
    started = time.monotonic()
    # The caches of the controller hear of new objects a moment later.
    while not sink.calls and time.monotonic() - started < 10:
        statuses += [await posted(world, notification, f"first {len(statuses)}")]
    repeated = f"first {len(statuses) - 1}"
    assert set(statuses) == {202}
    assert await posted(world, notification, repeated) == 429
    assert await posted(world, notification, "second") == 202

    calls = await sink.until(3)
    messages = [call.json["message"] for call in calls]
    assert messages[0] == messages[1], "the one that failed comes again, before all others"
    await eventually(lambda: heard(sink, "second"), seconds=10)

    async def told() -> bool:
        events = await world.events("lost")
        return any("absolute http or https URL" in event["message"] for event in events)

    await eventually(told, seconds=10)


async def heard(sink: Sink, message: str) -> bool:
    return any(call.json["message"] == message for call in sink.calls)


async def posted(world: World, notification: Notification, message: str) -> int:
    import aiohttp

    involved = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "namespace": world.namespace,
        "name": "web",
    }
    event = {
        "involvedObject": involved,
        "severity": "info",
        "timestamp": "2026-01-02T03:04:05Z",
        "message": message,
        "reason": "Tested",
        "reportingController": "test",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(notification.events_url, json=event) as answer,
    ):
        return answer.status
