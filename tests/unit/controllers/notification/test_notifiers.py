"""Payloads, checked against files that were compared with the contract by eye (specs/notification.md 10).

To change one on purpose: delete its file, run this test, and read what it wrote.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from controllers.notification.notifiers import NOTIFIERS
from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Answer, Outgoing, Refused, Request, open_session
from tests.fakes.tls import Authority
from tests.fakes.webhook_sink import running_sink
from tests.unit.controllers.notification.words import notice

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "notifications"
CASES: dict[str, tuple[str, Notice]] = {
    "alertmanager": ("alertmanager", notice(metadata={"summary": "s", "revision": "r"}, username="u", password="p")),
    "datadog": ("datadog", notice(address="https://api.datadoghq.com/x?y=1", token="key")),
    "discord": ("discord", notice(address="https://discord.com/api/webhooks/1/x?thread_id=7", channel="no")),
    "generic": ("generic", notice(headers={"X-Extra": "1", "content-type": "text/plain"})),
    "generic-hmac": ("generic-hmac", notice(token="token", headers={"X-Signature": "forged"})),
    "githubdispatch": ("githubdispatch", notice(address="https://github.com/org/repo.git", token="t")),
    "googlechat": ("googlechat", notice()),
    "googlechat-bare": ("googlechat", notice(error=False, metadata={})),
    "grafana": ("grafana", notice(token="t", metadata={"a:b": "c:d"})),
    "lark": ("lark", notice(error=False)),
    "matrix": ("matrix", notice(address="https://matrix.org", channel="!id:matrix.org", token="t")),
    "msteams": ("msteams", notice(metadata={"revision": "r", "summary": "s"})),
    "msteams-info": ("msteams", notice(error=False, metadata={})),
    "msteams-connector": ("msteams", notice(address="https://org.webhook.office.com:443/x")),
    "opsgenie": ("opsgenie", notice(token="t")),
    "pagerduty-error": ("pagerduty", notice(address="https://events.pagerduty.com/ignored", channel="key")),
    "pagerduty-info": ("pagerduty", notice(address="https://events.pagerduty.com", channel="key", error=False)),
    "pagerduty-progressing": ("pagerduty", notice(channel="key", reason="Progressing")),
    "rocket": ("rocket", notice(channel="general")),
    "sentry-error": ("sentry", notice(address="https://public@sentry.example.com/42", channel="prod")),
    "sentry-info": ("sentry", notice(address="https://public@sentry.example.com/base/42", error=False)),
    "slack": ("slack", notice(channel="general", token="xoxb")),
    "slack-info": ("slack", notice(error=False, metadata={}, username="flux")),
    "telegram": ("telegram", notice(channel="-100:7", token="1:secret")),
    "webex": ("webex", notice(channel="room", token="t")),
    "zulip": ("zulip", notice(channel="ops/deploys", username="bot@example.com", password="p")),
}  # fmt: skip


async def requests_of(kind: str, given: Notice) -> list[Request]:
    sent: list[Request] = []

    async def send(request: Request) -> Answer:
        sent.append(request)
        return Answer(200, b'{"ok": true}')

    await NOTIFIERS[kind](given, send)
    return sent


def readable(request: Request) -> dict[str, Any]:
    shown = asdict(request)
    shown.pop("tolerated")
    body = request.body or b""
    try:
        shown["body"] = orjson.loads(body)
    except orjson.JSONDecodeError:
        shown["body"] = body.decode().splitlines()
    return shown


@pytest.mark.parametrize("case", CASES)
async def test_payload(case: str) -> None:
    kind, given = CASES[case]
    found = [readable(request) for request in await requests_of(kind, given)]
    path = GOLDEN / f"{case}.json"
    if not path.exists():
        path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
        pytest.fail(f"{path.name} did not exist: read what was written")
    assert found == orjson.loads(path.read_bytes())


def test_every_platform_that_is_only_told_has_a_payload_here() -> None:
    asked = {"azuredevops", "bitbucket", "bitbucketserver", "gitea", "github", "gitlab"}
    comments = {name for name in NOTIFIERS if name.endswith("comment")}
    # Their tokens and times differ each time, or they are no JSON: test_clouds, test_nats and test_otel.
    elsewhere = {"azureeventhub", "googlepubsub", "nats", "otel"}
    assert {kind for kind, _ in CASES.values()} == NOTIFIERS.keys() - asked - comments - elsewhere


def test_every_type_of_the_contract_has_a_notifier() -> None:
    """The enum of specs/notification.md 2."""
    types = """
        slack discord msteams rocket generic generic-hmac github gitlab gitea giteapullrequestcomment
        bitbucketserver bitbucket azuredevops googlechat googlepubsub webex sentry azureeventhub telegram
        lark matrix opsgenie alertmanager grafana githubdispatch githubpullrequestcomment
        gitlabmergerequestcomment pagerduty datadog nats zulip otel
    """
    assert set(NOTIFIERS) == set(types.split())


async def test_the_signature_is_of_the_bytes_that_are_sent() -> None:
    (request,) = await requests_of("generic-hmac", notice(token="token"))
    assert request.body is not None
    expected = hmac.new(b"token", request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Signature"] == f"sha256={expected}"


NEEDS = {
    "an absolute URL": ("slack", notice(address="hooks")),
    "a URL of the web": ("generic", notice(address="file:///etc/passwd")),
    "a key": ("generic-hmac", notice()),
    "a room": ("webex", notice(token="t")),
    "a bot": ("telegram", notice(channel="1")),
    "an API key": ("datadog", notice()),
    "a topic": ("zulip", notice(channel="ops", username="u", password="p")),
    "a login": ("zulip", notice(channel="ops/x")),
    "a project": ("sentry", notice(address="https://public@sentry.example.com")),
    "a broken host": ("msteams", notice(address="https://[::1")),
    "a repository": ("githubdispatch", notice(address="https://github.com/org", token="t")),
}


@pytest.mark.parametrize("case", NEEDS)
async def test_what_a_platform_needs(case: str) -> None:
    kind, given = NEEDS[case]
    with pytest.raises(Refused):
        await requests_of(kind, given)


async def test_slack_says_in_its_body_that_it_failed() -> None:
    async def send(_request: Request) -> Answer:
        return Answer(200, b'{"ok": false, "error": "channel_not_found"}')

    given = notice(address="https://slack.com/api/chat.postMessage", token="t", channel="x")
    with pytest.raises(Refused, match="channel_not_found"):
        await NOTIFIERS["slack"](given, send)
    await NOTIFIERS["slack"](notice(), send)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_over_the_wire(tmp_path: Path, secure: bool) -> None:
    """The certificate of the server is only good for who trusts our authority."""
    authority = Authority(tmp_path)
    context = authority.server_context() if secure else None
    async with running_sink(context) as sink, open_session() as session:
        from controllers.notification.outgoing import Unavailable, tls_context

        tls = await tls_context(authority.pem, "", "") if secure else None
        outgoing = Outgoing(session, 5.0, tls=tls)
        for kind in ("slack", "msteams", "discord", "generic", "alertmanager"):
            await NOTIFIERS[kind](notice(address=f"{sink.url}/{kind}"), outgoing.send)
        assert [call.path.split("/")[1] for call in sink.calls] == [
            "slack", "msteams", "discord", "generic", "alertmanager",
        ]  # fmt: skip
        assert all(call.headers["Content-Type"] == "application/json" for call in sink.calls)
        if secure:
            with pytest.raises(Unavailable):
                await NOTIFIERS["slack"](notice(address=sink.url), Outgoing(session, 5.0).send)
    await asyncio.sleep(0)
