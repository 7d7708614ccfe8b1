"""What leaves: bounded, never to a metadata service, and its failures hold no secret."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.notification.credentials import Credentials, assemble
from controllers.notification.deliver import Delivery
from controllers.notification.dispatch import Job
from controllers.notification.outgoing import (
    Outgoing,
    Refused,
    Request,
    Unavailable,
    is_metadata_address,
    open_session,
    seconds_of,
    tls_context,
)
from shared.model.kinds import Resource
from shared.model.meta import ObjectKey
from tests.fakes.webhook_sink import Reply, running_sink
from tests.unit.controllers.notification.words import event, provider


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_success(status: int) -> None:
    async with running_sink() as sink, open_session() as session:
        sink.answer = lambda _call: Reply(status)
        assert (await Outgoing(session, 5).send(Request(sink.url, b"x"))).status == status


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 501])
async def test_what_is_not_worth_another_try(status: int) -> None:
    async with running_sink() as sink, open_session() as session:
        sink.answer = lambda _call: Reply(status, {"why": "because"}, {"Location": "http://127.0.0.1:1/"})
        with pytest.raises(Refused, match=f"request failed with status code {status}.*because"):
            await Outgoing(session, 5).send(Request(sink.url))
        assert len(sink.calls) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_is_worth_another_try(status: int) -> None:
    async with running_sink() as sink, open_session() as session:
        sink.answer = lambda _call: Reply(status, None, {"Retry-After": "7"})
        with pytest.raises(Unavailable) as caught:
            await Outgoing(session, 5).send(Request(sink.url))
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://[::ffff:169.254.169.254]/",
     "http://2852039166/", "http://0xa9fea9fe/", "file:///etc/passwd", "gopher://x", "http://", "x", "http://[::1"],
)  # fmt: skip
async def test_addresses_that_are_not_called(address: str) -> None:
    async with open_session() as session:
        with pytest.raises((Refused, Unavailable)):
            await Outgoing(session, 2).send(Request(address))


def test_metadata_addresses() -> None:
    assert is_metadata_address("169.254.1.1")
    assert not is_metadata_address("127.0.0.1")
    assert not is_metadata_address("example.com")


async def test_headers_cannot_be_injected() -> None:
    async with running_sink() as sink, open_session() as session:
        with pytest.raises(Refused):
            await Outgoing(session, 2).send(Request(sink.url, headers={"X": "a\r\nY: b"}))
        assert sink.calls == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("99999999", 300), ("", None), ("soon", None), ("-1", None), ("Thu, 01 Jan 1970 00:01:40 GMT", 50),
     ("Thu, 01 Jan 1970 00:00:10 GMT", 0)],
)  # fmt: skip
def test_retry_after(text: str, seconds: float | None) -> None:
    assert seconds_of(text, 50.0) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_bounded(text: str) -> None:
    assert 0 <= (seconds_of(text, 0.0) or 0) <= 300


async def test_certificates_that_are_none() -> None:
    with pytest.raises(Refused):
        await tls_context("no certificate", "", "")


GOOD: dict[str, tuple[dict[str, Any], dict[str, str], Credentials]] = {
    "nothing": ({"address": "a", "username": "n"}, {}, Credentials(address="a", username="n")),
    "the secret's address": ({"address": "a"}, {"address": " b\n"}, Credentials(address="b")),
    "a pair": ({}, {"username": "u", "password": "p"}, Credentials(username="u", password="p")),
    "half a pair spoils the token": ({}, {"username": "u", "token": "t"}, Credentials()),
    "headers": ({}, {"headers": "A: 1\nB: yes\n"}, Credentials(headers={"A": "1", "B": "yes"})),
    "a proxy": ({"proxy": "http://p:1"}, {}, Credentials(proxy="http://p:1")),
}


@pytest.mark.parametrize("case", GOOD)
def test_credentials(case: str) -> None:
    spec, secret, expected = GOOD[case]
    assert assemble(provider(**spec), secret, {}, None) == expected


def test_a_password_is_a_token_for_git() -> None:
    pair = {"username": "u", "password": "p"}
    assert assemble(provider("github"), pair, {}, None).token == "p"
    assert assemble(provider("slack"), pair, {}, None).token == ""


def test_a_proxy_with_a_login() -> None:
    found = assemble(
        provider(), {}, {}, {"address": "http://proxy:3128", "username": "u", "password": "pass@/"}
    )
    assert found.proxy == "http://u:pass%40%2F@proxy:3128"
    assert "pass@/" not in found.mask("failed via http://u:pass%40%2F@proxy:3128 pass@/")


BAD: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str], dict[str, str] | None]] = {
    "a long address": ({}, {"address": "x" * 3000}, {}, None),
    "headers that are a list": ({}, {"headers": "[1]"}, {}, None),
    "headers that are no YAML": ({}, {"headers": "a: [\n"}, {}, None),
    "nested headers": ({}, {"headers": "a: {b: c}"}, {}, None),
    "deep headers": ({}, {"headers": "[" * 5000}, {}, None),
    "a lone certificate": ({"certSecretRef": {"name": "c"}}, {}, {"tls.crt": "x"}, None),
    "no certificates": ({"certSecretRef": {"name": "c"}}, {}, {"x": "y"}, None),
    "a proxy without address": ({}, {}, {}, {"username": "u"}),
    "a socks proxy": ({}, {}, {}, {"address": "socks5://p:1"}),
    "a metadata proxy": ({}, {}, {}, {"address": "http://169.254.169.254"}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_credentials(case: str) -> None:
    spec, secret, certificates, proxy = BAD[case]
    with pytest.raises(Refused):
        assemble(provider(**spec), secret, certificates, proxy)


def test_secrets_do_not_show() -> None:
    found = Credentials(token="tok-12345", password="pass-word", headers={"K": "head-er"}, username="u")
    assert "tok-12345" not in repr(found) + found.mask("HTTP 403: tok-12345 pass-word head-er")
    assert found.mask("tok-12345") == "*****"


class Cluster:
    """Just the Secret that is asked for."""

    def __init__(self, **data: str) -> None:
        self.data = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}

    async def find(self, _resource: Resource, _namespace: str, name: str) -> dict[str, Any] | None:
        return {"data": self.data} if name == "login" else None


def a_provider(**spec: Any) -> dict[str, Any]:
    meta = {"name": "chat", "namespace": "apps", "uid": "0c9c2e41-d2f9"}
    return {"metadata": meta, "spec": {"type": "slack", "secretRef": {"name": "login"}} | spec}


async def delivered(obj: dict[str, Any] | None, **secret: str) -> None:
    async with open_session() as session:
        delivery = Delivery(Cluster(**secret), session, lambda _key: obj)  # type: ignore[arg-type]
        await delivery.deliver(Job(ObjectKey("apps", "chat"), {"kind": "Alert"}, event()))


async def test_a_failure_does_not_quote_the_token() -> None:
    async with running_sink() as sink:
        sink.answer = lambda call: Reply(403, {"you sent": call.headers["Authorization"]})
        with pytest.raises(Refused) as caught:
            await delivered(a_provider(address=sink.url), token="xoxb-secret")
    assert "xoxb-secret" not in str(caught.value)
    assert "403" in str(caught.value)


@pytest.mark.parametrize(
    ("obj", "words"),
    [(None, "'apps/chat' not found"), (a_provider(type="pigeon"), "is not known"),
     (a_provider(secretRef={"name": "gone"}), "secret 'apps/gone' not found"), (a_provider(timeout="1 day"), "duration"),
     (a_provider(type="github", address="https://github.com/o/r", commitStatusExpr="event.reason"), "expected string"),
     (a_provider(type="github", address="https://github.com/o/r", commitStatusExpr="event.metadata.x + ''"), "CEL")],
)  # fmt: skip
async def test_what_cannot_be_delivered_says_why(obj: dict[str, Any] | None, words: str) -> None:
    with pytest.raises(Refused, match=words):
        await delivered(obj)


async def test_the_expression_names_the_status() -> None:
    async with running_sink() as sink:
        sink.answer = lambda call: Reply(200, [] if call.method == "GET" else {})
        expression = "event.involvedObject.kind + '/' + provider.metadata.name + '/' + alert.kind"
        obj = a_provider(type="gitlab", address=f"{sink.url}/o/r", commitStatusExpr=expression)
        async with open_session() as session:
            delivery = Delivery(Cluster(token="t"), session, lambda _key: obj)  # type: ignore[arg-type]
            said = event(metadata={"revision": "sha1:" + "0" * 40})
            await delivery.deliver(Job(ObjectKey("apps", "chat"), {"kind": "Alert"}, said))
        assert sink.calls[-1].json["name"] == "Kustomization/chat/Alert"
