"""Clients that come by certificate: of the cluster's own authority, or of any other."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localcluster.auth.users import ADMIN, User
from localcluster.certificates import Identity, issue_identity, make_certificates
from localcluster.process import Server, Settings

REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
PATH = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(Settings(token="t")) as started:
        yield started


def _context(server: Server, identity: Identity | None, folder: Path) -> ssl.SSLContext:
    assert server.authority is not None
    context = ssl.create_default_context(cadata=server.authority.decode())
    if identity is not None:
        pem = folder / "identity.pem"
        pem.write_bytes(identity.certificate + identity.key)
        context.load_cert_chain(pem)
    return context


async def _who(
    server: Server, identity: Identity | None, folder: Path, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    connector = aiohttp.TCPConnector(ssl=_context(server, identity, folder))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(server.url + PATH, json=REVIEW, headers=headers) as response,
    ):
        body: dict[str, Any] = await response.json()
        return body["status"]["userInfo"] if response.status == 201 else body


async def test_the_common_name_is_the_user_and_organizations_are_groups(
    server: Server, tmp_path: Path
) -> None:
    identity = server.identity(User("ann", ("team-a", "team-b")))
    who = await _who(server, identity, tmp_path)
    assert (who["username"], who["groups"]) == ("ann", ["team-a", "team-b", "system:authenticated"])
    (credential,) = who["extra"]["authentication.kubernetes.io/credential-id"]
    assert credential.startswith("X509SHA256=")


async def test_a_certificate_goes_before_a_token(server: Server, tmp_path: Path) -> None:
    who = await _who(server, server.identity(User("ann")), tmp_path, {"Authorization": "Bearer wrong"})
    assert who["username"] == "ann"


async def test_the_administrator_may_impersonate(server: Server, tmp_path: Path) -> None:
    who = await _who(server, server.identity(ADMIN), tmp_path, {"Impersonate-User": "bob"})
    assert who["username"] == "bob"


async def test_without_a_certificate_tokens_do(server: Server, tmp_path: Path) -> None:
    who = await _who(server, None, tmp_path, {"Authorization": "Bearer t"})
    assert who["username"] == "kubernetes-admin"


async def test_a_certificate_of_another_authority_ends_the_connection(server: Server, tmp_path: Path) -> None:
    foreign = issue_identity(make_certificates("127.0.0.1"), "kubernetes-admin", ["system:masters"])
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await _who(server, foreign, tmp_path, {"Authorization": "Bearer t"})


async def test_a_serving_certificate_is_no_identity(server: Server, tmp_path: Path) -> None:
    serving = server._serving
    assert serving is not None
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await _who(server, Identity(serving.certificate, serving.key), tmp_path)


async def test_the_authority_outlives_a_restart(tmp_path: Path) -> None:
    settings = Settings(token="t", data=tmp_path / "state")
    async with Server(settings) as first:
        identity = first.identity(User("ann"))
    async with Server(settings) as second:
        assert (await _who(second, identity, tmp_path))["username"] == "ann"
