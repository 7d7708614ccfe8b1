"""Whose login opens which registry (specs/image.md 5)."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from controllers.image_automation.access import ImageAccess
from shared.cloud.errors import CloudError
from shared.kube.secrets import Secrets
from shared.model.image import ImageRepository
from shared.oci.docker_config import ANONYMOUS
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.runtime.identities import Identities
from shared.runtime.registry_secrets import RegistrySecrets
from tests.fakes.amazon import Amazon
from tests.unit.shared.kube.fake_api import fake_api

ECR = Repository("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "app")
GHCR = Repository("ghcr.io", "org/app")


def repo(**spec: Any) -> ImageRepository:
    return ImageRepository.parse(
        {"metadata": {"name": "app", "namespace": "apps"}, "spec": {"image": "x", "interval": "1m", **spec}}
    )


async def answer(request: web.Request) -> web.Response:
    config = {"auths": {host: {"username": "ada", "password": "x"} for host in ("ghcr.io", ECR.host)}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()}
    return web.json_response({"metadata": {"name": "pull"}, "data": data, "imagePullSecrets": []})


@pytest.fixture
async def access() -> AsyncIterator[ImageAccess]:
    async with fake_api(answer) as client:
        identities = Identities.over(
            client, enabled=False, default_account="", size=10, longest=timedelta(hours=1)
        )
        yield ImageAccess(RegistrySecrets(client, Secrets(client)), identities)


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with Amazon() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()


async def test_a_docker_configuration_is_for_its_own_hosts(access: ImageAccess) -> None:
    secret = repo(secretRef={"name": "pull"})
    assert (await access.opening(secret, GHCR)).login.username == "ada"
    assert (await access.opening(secret, Repository("quay.io", "org/app"))).login == ANONYMOUS


async def test_a_cloud_has_no_use_for_the_secret(access: ImageAccess) -> None:
    opening = await access.opening(repo(provider="aws", secretRef={"name": "pull"}), ECR)
    assert opening.login == ANONYMOUS


async def test_the_login_of_a_cloud(access: ImageAccess, amazon: Amazon) -> None:
    opening = await access.log_in(repo(provider="aws"), ECR, Opening(ca="CA"))
    assert (opening.login.username, opening.login.password, opening.ca) == ("AWS", "pass:word", "CA")
    assert amazon.asked


@pytest.mark.parametrize(
    ("provider", "words"), [("aws", "is not one of AWS"), ("azure", "not one of Azure"), ("gcp", "of Google")]
)
async def test_a_cloud_does_not_open_the_registries_of_others(
    access: ImageAccess, provider: str, words: str
) -> None:
    with pytest.raises(CloudError, match=words):
        await access.log_in(repo(provider=provider), GHCR, Opening())


async def test_without_a_cloud_nothing_is_added(access: ImageAccess) -> None:
    opening = Opening(ca="CA")
    assert await access.log_in(repo(), ECR, opening) is opening


@pytest.mark.parametrize(
    ("spec", "disabled"),
    [
        ({"provider": "aws", "serviceAccountName": "x"}, True),
        ({"provider": "aws"}, False),
        ({"serviceAccountName": "x"}, False),
    ],
)
def test_accounts_for_clouds_need_the_gate(access: ImageAccess, spec: dict[str, str], disabled: bool) -> None:
    assert access.is_disabled(repo(**spec)) is disabled


async def test_plain_http_is_tried_at_home_alone(access: ImageAccess) -> None:
    assert (await access.opening(repo(), Repository("127.0.0.1:5000", "x"))).plain
    assert not (await access.opening(repo(), GHCR)).plain
    insecure = await access.opening(repo(insecure=True), GHCR)
    assert (insecure.insecure, insecure.may_be_plain) == (True, True)
