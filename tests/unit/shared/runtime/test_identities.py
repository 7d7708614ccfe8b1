"""ServiceAccounts of a real API server become logins of a cloud."""

import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from shared.cloud import aws
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud
from shared.kube.client import KubeClient
from shared.model.kinds import SERVICE_ACCOUNT
from shared.runtime.identities import Identities, IdentityDisabled
from tests.fakes.amazon import Amazon

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/puller"


def identities(client: KubeClient, *, enabled: bool = True, default: str = "") -> Identities:
    return Identities.over(
        client, enabled=enabled, default_account=default, size=10, longest=timedelta(hours=1)
    )


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    with Amazon() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()


@pytest.fixture
async def puller(client: KubeClient) -> AsyncIterator[str]:
    name = "identities-puller"
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": "default", "annotations": {aws.ROLE_ANNOTATION: ROLE}},
    }
    await client.create(SERVICE_ACCOUNT, account)
    yield name
    await client.delete(SERVICE_ACCOUNT, "default", name)


async def test_a_login_is_made_with_a_token_of_the_cluster_once(
    client: KubeClient, amazon: Amazon, puller: str
) -> None:
    own = identities(client)

    account = await own.account("default", puller)
    first = await own.registry_login(Cloud.AWS, account, HOST)
    asked = len(amazon.asked)
    again = await own.registry_login(Cloud.AWS, await own.account("default", puller), HOST)

    assert (first.username, first.text) == ("AWS", "pass:word")
    assert again == first
    assert len(amazon.asked) == asked == 2
    token = amazon.form(0)["WebIdentityToken"][0]
    assert token.count(".") == 2, "what the API server signs is a JWT"


async def test_the_default_account_stands_in_for_none(client: KubeClient, puller: str) -> None:
    account = await identities(client, default=puller).account("default", "")

    assert account is not None
    assert account.annotations[aws.ROLE_ANNOTATION] == ROLE


async def test_without_any_account_the_process_acts_for_itself(client: KubeClient) -> None:
    assert await identities(client, enabled=False).account("default", "") is None


async def test_a_named_account_needs_the_gate(client: KubeClient, puller: str) -> None:
    with pytest.raises(IdentityDisabled, match="please enable the ObjectLevelWorkloadIdentity feature gate"):
        await identities(client, enabled=False).account("default", puller)


@pytest.mark.parametrize(
    ("name", "default", "words"),
    [("nobody", "", "'default/nobody' not found$"), ("", "nobody", "administrators of this cluster require")],
)
async def test_a_missing_account_is_named(client: KubeClient, name: str, default: str, words: str) -> None:
    with pytest.raises(CloudError, match=words):
        await identities(client, default=default).account("default", name)
