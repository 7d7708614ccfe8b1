"""A push makes a GitRepository fetch at once, when the platform tells us of it."""

from __future__ import annotations

import hashlib
import hmac
import time

import aiohttp
import orjson
import pytest

from shared.model.kinds import GIT_REPOSITORY, RECEIVER
from tests.e2e.conftest import Controllers
from tests.e2e.notification.conftest import Notification, Words
from tests.e2e.repository import Repository, config_map
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

TOKEN = "a token that only two know"


async def call(url: str, body: bytes, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=named) as answer:
        return answer.status


def signature(body: bytes, token: str = TOKEN) -> str:
    return f"sha256={hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"


async def test_a_push_is_fetched_at_once(
    world: World, controllers: Controllers, notification: Notification, words: Words, repository: Repository
) -> None:
    first = repository.commit({"a.yaml": config_map("a", key="1")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.until(GIT_REPOSITORY, "repo", lambda obj: revision_of(obj) == first)
    await words.secret("webhook", token=TOKEN)
    await words.make(
        "Receiver",
        "hook",
        type="github",
        events=["ping", "push"],
        secretRef={"name": "webhook"},
        resources=[{"kind": "GitRepository", "name": "repo"}],
        resourceFilter="req.ref == 'refs/heads/main'",
    )
    receiver = await world.ready(RECEIVER, "hook")
    url = notification.hooks_url + receiver["status"]["webhookPath"]
    body = orjson.dumps({"ref": "refs/heads/main", "after": "0" * 40})
    json = {"Content_Type": "application/json", "X_GitHub_Event": "push"}
    await call(url, body, X_Hub_Signature_256=signature(body), **json)

    second = repository.commit({"a.yaml": config_map("a", key="2")})
    started = time.monotonic()
    assert await call(url, body, X_Hub_Signature_256=signature(body), **json) == 200
    await world.until(GIT_REPOSITORY, "repo", lambda obj: revision_of(obj) == second)
    assert time.monotonic() - started < 2.0

    before = (await world.get(GIT_REPOSITORY, "repo"))["metadata"]["annotations"]
    elsewhere = orjson.dumps({"ref": "refs/heads/other"})
    assert await call(url, elsewhere, X_Hub_Signature_256=signature(elsewhere), **json) == 200
    assert await call(url, body, X_Hub_Signature_256=signature(body, "a guess"), **json) == 400
    assert (
        await call(url, body, X_Hub_Signature_256=signature(body), **json | {"X_GitHub_Event": "fork"}) == 400
    )
    assert await call(f"{url}?x=1", body, X_Hub_Signature_256=signature(body), **json) == 404
    assert (await world.get(GIT_REPOSITORY, "repo"))["metadata"]["annotations"] == before

    await world.change(RECEIVER, "hook", suspend=True)
    await world.until(RECEIVER, "hook", lambda obj: obj["spec"]["suspend"])
    assert await suspended(url, body) == 503


async def suspended(url: str, body: bytes) -> int:
    """The server hears of the change a moment later than we do."""
    deadline = time.monotonic() + 5
    while True:
        status = await call(url, body)
        if status == 503 or time.monotonic() > deadline:
            return status


async def test_a_receiver_without_its_secret_says_so_and_has_no_path(
    world: World, notification: Notification, words: Words
) -> None:
    resources = [{"kind": "GitRepository", "name": "repo"}]
    await words.make("Receiver", "hook", type="generic", secretRef={"name": "nowhere"}, resources=resources)
    receiver = await world.failing(RECEIVER, "hook", "TokenNotFound")
    assert "webhookPath" not in receiver["status"]
    await words.secret("nowhere", token=TOKEN)
    receiver = await world.ready(RECEIVER, "hook")
    expected = hashlib.sha256(f"{TOKEN}hook{world.namespace}".encode()).hexdigest()
    assert receiver["status"]["webhookPath"] == f"/hook/{expected}"


def revision_of(obj: dict[str, object]) -> str:
    status = obj.get("status")
    artifact = status.get("artifact") if isinstance(status, dict) else None
    return str(artifact.get("revision")) if isinstance(artifact, dict) else ""
