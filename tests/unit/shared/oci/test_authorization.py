from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.oci.authorization import Authorizations, Challenge, Scope, parse_challenges
from shared.oci.docker_config import ANONYMOUS, Login
from shared.oci.errors import OciError, RegistryDenied
from shared.oci.opening import Opening
from shared.oci.registry import opened
from tests.fakes.registry import FakeRegistry, fake_registry


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Basic realm="x"'], [Challenge("basic", "x")]),
        (
            ['Bearer realm="https://a/token",service="s",scope="repository:a:pull,push"'],
            [Challenge("bearer", "https://a/token", "s")],
        ),
        (['bearer REALM = "a\\"b" , service=s'], [Challenge("bearer", 'a"b', "s")]),
        (['Basic realm="x", Bearer realm="y"'], [Challenge("basic", "x"), Challenge("bearer", "y")]),
        (["Basic", "Bearer realm=y"], [Challenge("basic"), Challenge("bearer", "y")]),
        (['Bearer realm="no end'], [Challenge("bearer"), Challenge("realm")]),
        (["", "=", '"'], []),
    ],
)
def test_challenges(headers: list[str], expected: list[Challenge]) -> None:
    assert parse_challenges(headers) == expected


@given(st.text(max_size=100))
def test_any_header_is_read(header: str) -> None:
    assert len(parse_challenges([header])) <= len(header)


def test_headers_are_kept_for_a_while() -> None:
    now = 0.0
    known = Authorizations(size=2, longest=timedelta(hours=1), now=lambda: now)
    first, second, third = (Scope(f"https://{name}", "", ANONYMOUS) for name in "abc")
    known.keep(first, "A", 100)
    known.keep(second, "B", float("inf"))
    assert (known.find(first), known.find(second)) == ("A", "B")
    now = 80.0
    assert (known.find(first), known.find(second)) == ("", "B")
    now = 3600.0
    assert known.find(second) == ""
    for scope in (first, second, third):
        known.keep(scope, "X", 100)
    assert [known.find(scope) for scope in (first, second, third)] == ["", "X", "X"]


async def test_basic_costs_one_request_more_once(server: FakeRegistry) -> None:
    server.username, server.password = "ada", "pw"
    digest = server.add_tags("v1")
    known = Authorizations()
    for _ in range(2):
        async with server.client(known=known) as registry:
            assert await registry.digest("v1") == digest
    assert [call.authorization[:5] for call in server.calls if call.method == "HEAD"] == [
        "",
        "Basic",
        "Basic",
    ]


@pytest.mark.parametrize("username", ["", "ada"])
async def test_bearer(server: FakeRegistry, username: str) -> None:
    server.bearer, server.username, server.password = True, username, "pw" if username else ""
    digest = server.add_tags("v1")
    known = Authorizations()
    for _ in range(2):
        async with server.client(known=known, actions="pull") as registry:
            assert await registry.digest("v1") == digest
    asked = [call for call in server.calls if call.path == "/token"]
    assert [call.query for call in asked] == [{"service": "fake", "scope": "repository:team/app:pull"}]


async def test_an_identity_token_is_exchanged(server: FakeRegistry) -> None:
    server.bearer, server.identity = True, "refresh-me"
    digest = server.add_tags("v1")
    opening = server.opening(Login(identity="refresh-me"))
    async with opened(server.repository(), opening, Authorizations()) as registry:
        assert await registry.digest("v1") == digest
    assert server.seen("POST", "/token") == 1


async def test_a_token_that_was_revoked_is_fetched_again(server: FakeRegistry) -> None:
    server.bearer = True
    server.add_tags("v1")
    known = Authorizations()
    async with server.client(known=known) as registry:
        await registry.digest("v1")
        server.tokens.clear()
        await registry.digest("v1")
    assert server.seen("GET", "/token") == 2


@pytest.mark.parametrize("bearer", [False, True])
@pytest.mark.parametrize("login", [ANONYMOUS, Login("ada", "wr0ng"), Login(identity="wr0ng")])
async def test_who_is_denied(server: FakeRegistry, bearer: bool, login: Login) -> None:
    server.bearer, server.username, server.password = bearer, "ada", "pw"
    server.add_tags("v1")
    async with opened(server.repository(), server.opening(login), Authorizations()) as registry:
        with pytest.raises(RegistryDenied) as caught:
            await registry.digest("v1")
    assert "wr0ng" not in str(caught.value)


async def test_wrong_credentials_do_not_stay(server: FakeRegistry) -> None:
    server.username, server.password = "ada", "new"
    server.add_tags("v1")
    known = Authorizations()
    login = Login("ada", "old")
    async with opened(server.repository(), server.opening(login), known) as registry:
        with pytest.raises(OciError):
            await registry.digest("v1")
        server.password = "old"
        await registry.digest("v1")


@pytest.mark.parametrize(
    ("realm", "words"),
    [
        ("", "no usable token service"),
        ("file:///etc/passwd", "no usable token service"),
        ("http://[", "unparsable URL"),
    ],
)
async def test_useless_token_services(server: FakeRegistry, realm: str, words: str) -> None:
    server.bearer = True
    server.scheme, server.host, host = realm.partition("//")[0].rstrip(":"), "x", server.host
    if realm == "":
        server.scheme = "gopher"
    if realm.startswith("http://["):
        server.host = "["
    repository = type(server.repository())(host, "team/app")
    async with opened(repository, Opening(insecure=True), Authorizations()) as registry:
        with pytest.raises(OciError, match=words):
            await registry.manifest("v1")


async def test_credentials_never_leave_tls_for_a_token(tmp_path: object) -> None:
    from pathlib import Path

    from tests.fakes.tls import Authority

    authority = Authority(Path(str(tmp_path)))
    async with fake_registry(authority.server_context()) as server:
        server.bearer, server.scheme = True, "http"
        opening = Opening(Login("ada", "pw"), ca=authority.pem)
        async with opened(server.repository(), opening, Authorizations()) as registry:
            with pytest.raises(RegistryDenied, match="without TLS"):
                await registry.digest("v1")
        assert server.seen("GET", "/token") == 0
