"""Logins to git servers of the clouds, by the tokens of ServiceAccounts."""

import threading
from collections.abc import Iterator

import pytest

from shared.cloud import aws
from shared.cloud.errors import IdentityInvalid
from shared.kube.client import KubeClient
from shared.model.kinds import SERVICE_ACCOUNT
from shared.model.source import GitRepository
from shared.runtime.git_logins import GitLogins
from tests.fakes.amazon import Amazon
from tests.make import git_repository
from tests.unit.shared.runtime.test_identities import ROLE, identities

URL = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/fleet"


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    with Amazon() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()


def repository(url: str) -> GitRepository:
    spec = {"url": url, "provider": "aws", "serviceAccountName": "committer", "interval": "1m"}
    return GitRepository.parse(git_repository("fleet", namespace="default", **spec))


async def test_codecommit_takes_a_signature_of_the_role(client: KubeClient, amazon: Amazon) -> None:
    metadata = {"name": "committer", "namespace": "default", "annotations": {aws.ROLE_ANNOTATION: ROLE}}
    await client.create(SERVICE_ACCOUNT, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})

    login = await GitLogins(identities(client))(repository(URL), URL, "")

    assert login.username == "ASIAROLE%role-session"
    assert "Z" in login.password
    assert not login.bearer


async def test_no_keys_are_asked_for_on_behalf_of_another_host(client: KubeClient, amazon: Amazon) -> None:
    with pytest.raises(IdentityInvalid, match="CodeCommit"):
        await GitLogins(identities(client))(repository("https://example.org/x"), "https://example.org/x", "")

    assert not amazon.asked
