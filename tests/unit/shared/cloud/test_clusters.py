"""Managed clusters are found through the clouds' APIs: EKS through the genuine library, others over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from shared.cloud import clusters
from shared.cloud.account import Token
from shared.cloud.aws import AwsCredentials
from shared.cloud.errors import CloudError, IdentityInvalid

KEYS = AwsCredentials("AKIA", "secret", "session", datetime(2099, 1, 1, tzinfo=UTC))
TOKEN = Token("cloud-token", datetime(2099, 1, 1, tzinfo=UTC))
GKE = "projects/p/locations/europe-west1/clusters/apps"
EKS = "arn:aws:eks:eu-west-1:123456789012:cluster/apps"
AKS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/apps"


class Cloud:
    """Answers as told to; `asked` are the paths and the tokens."""

    def __init__(self) -> None:
        self.answer: object = {}
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((f"{request.method} {request.path}", request.headers["Authorization"]))
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    fake = Cloud()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_an_eks_cluster_is_found_and_its_token_names_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", cloud.url)
    cloud.answer = {
        "cluster": {"endpoint": "https://eks.example", "certificateAuthority": {"data": b64("PEM")}}
    }

    found = await clusters.eks(KEYS, EKS)
    token = await clusters.eks_token(KEYS, EKS)

    assert found == clusters.Endpoint("https://eks.example", "PEM")
    ((asked, signature),) = cloud.asked
    assert asked == "GET /clusters/apps"
    assert "Credential=AKIA/" in signature
    prefix, _, encoded = token.text.rpartition(".")
    url = urlsplit(base64.urlsafe_b64decode(encoded + "==").decode())
    query = parse_qs(url.query)
    assert prefix == "k8s-aws-v1"
    assert url.hostname == "sts.eu-west-1.amazonaws.com"
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert query["X-Amz-Security-Token"] == ["session"]


async def test_a_gke_cluster_is_found(cloud: Cloud, http: aiohttp.ClientSession) -> None:
    cloud.answer = {"endpoint": "10.0.0.1", "masterAuth": {"clusterCaCertificate": b64("PEM")}}

    found = await clusters.gke(http, TOKEN, GKE, api=cloud.url)

    assert found == clusters.Endpoint("https://10.0.0.1", "PEM")
    assert cloud.asked == [(f"GET /v1/{GKE}", "Bearer cloud-token")]


def kubeconfigs(*servers: str) -> dict[str, Any]:
    listed = [
        {"name": "c", "cluster": {"server": server, "certificate-authority-data": b64("PEM")}}
        for server in servers
    ]
    return {"kubeconfigs": [{"name": "clusterUser", "value": b64(json.dumps({"clusters": listed}))}]}


@pytest.mark.parametrize(
    ("address", "expected"),
    [("", "https://public.example:443"), ("https://private.example:443/", "https://private.example:443")],
)
async def test_an_aks_cluster_is_found_by_its_address(
    cloud: Cloud, http: aiohttp.ClientSession, address: str, expected: str
) -> None:
    cloud.answer = kubeconfigs("https://public.example:443", "https://private.example:443")

    found = await clusters.aks(http, TOKEN, AKS, address, api=cloud.url)

    assert found == clusters.Endpoint(expected, "PEM")
    assert cloud.asked == [(f"POST {AKS}/listClusterUserCredential", "Bearer cloud-token")]


@pytest.mark.parametrize(
    "answer", [[], {}, {"endpoint": "x"}, {"endpoint": "x", "masterAuth": {"clusterCaCertificate": "%"}}]
)
async def test_odd_answers_are_one_line(cloud: Cloud, http: aiohttp.ClientSession, answer: object) -> None:
    cloud.answer = answer
    with pytest.raises(CloudError):
        await clusters.gke(http, TOKEN, GKE, api=cloud.url)


async def test_a_refusal_is_told_without_the_token(cloud: Cloud, http: aiohttp.ClientSession) -> None:
    cloud.status = 403
    with pytest.raises(CloudError, match="answered HTTP 403") as caught:
        await clusters.aks(http, TOKEN, AKS, api=cloud.url)
    assert "cloud-token" not in str(caught.value)


@pytest.mark.parametrize(
    "cluster", ["", "projects/p/locations/l/clusters/../x", f"{GKE}?x=1", "arn:aws:eks:x"]
)
async def test_no_token_goes_out_for_an_odd_name(
    cloud: Cloud, http: aiohttp.ClientSession, cluster: str
) -> None:
    for ask in (clusters.gke, clusters.aks):
        with pytest.raises(IdentityInvalid):
            await ask(http, TOKEN, cluster, api=cloud.url)
    with pytest.raises(IdentityInvalid):
        clusters.eks_parts(cluster)
    assert cloud.asked == []
