"""kubernetes-asyncio, the client library, against localcluster."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.dynamic import DynamicClient


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[client.ApiClient]:
    async with await config.new_client_from_config(str(kubeconfig)) as found:
        yield found


@pytest.fixture
async def home(api: client.ApiClient) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    name = f"test-{secrets.token_hex(4)}"
    core = client.CoreV1Api(api)
    await core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    yield name
    await core.delete_namespace(name)


def deployment(name: str) -> client.V1Deployment:
    labels = {"app": name}
    pod = client.V1PodSpec(containers=[client.V1Container(name="app", image="example.com/app:1")])
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name=name),
        spec=client.V1DeploymentSpec(
            replicas=2,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=pod),
        ),
    )


async def test_typed_objects_make_the_round_trip(api: client.ApiClient, home: str) -> None:
    core = client.CoreV1Api(api)
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="key"), string_data={"password": "hush"})

    await core.create_namespaced_secret(home, secret)
    found = await core.read_namespaced_secret("key", home)
    found.metadata.labels = {"kind": "test"}
    replaced = await core.replace_namespaced_secret("key", home, found)
    listed = await core.list_namespaced_secret(home, label_selector="kind=test")

    assert base64.b64decode(found.data["password"]) == b"hush"
    assert replaced.metadata.resource_version != found.metadata.resource_version
    assert [each.metadata.name for each in listed.items] == ["key"]
    with pytest.raises(ApiException) as refused:
        await core.replace_namespaced_secret("key", home, found)
    assert refused.value.status == 409


async def test_a_watch_follows_a_deployment_until_it_is_available(api: client.ApiClient, home: str) -> None:
    apps = client.AppsV1Api(api)
    await apps.create_namespaced_deployment(home, deployment("web"))

    async with asyncio.timeout(20), watch.Watch() as stream:
        async for event in stream.stream(apps.list_namespaced_deployment, home):
            if event["object"].status.available_replicas == 2:
                break

    pods = await client.CoreV1Api(api).list_namespaced_pod(home, label_selector="app=web")
    assert [pod.status.phase for pod in pods.items] == ["Running", "Running"]


async def test_the_dynamic_client_applies(api: client.ApiClient, home: str) -> None:
    dynamic = await DynamicClient(api)
    maps = await dynamic.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}}

    applied = await dynamic.server_side_apply(maps, body, namespace=home, field_manager="test")

    assert applied.data.to_dict() == {"a": "b"}
    assert applied.metadata.managedFields[0].operation == "Apply"


async def test_paging_gives_every_object_once(api: client.ApiClient, home: str) -> None:
    core = client.CoreV1Api(api)
    names = {f"map-{number:02}" for number in range(23)}
    for name in names:
        await core.create_namespaced_config_map(
            home, client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name))
        )
    seen: list[str] = []
    token = None
    while token != "":
        page = await core.list_namespaced_config_map(home, limit=5, _continue=token)
        seen += [each.metadata.name for each in page.items]
        token = page.metadata._continue or ""

    assert sorted(set(seen) - {"kube-root-ca.crt"}) == sorted(names)
    assert len(seen) == len(set(seen))


async def test_who_am_i(api: client.ApiClient) -> None:
    review = await client.AuthenticationV1Api(api).create_self_subject_review(client.V1SelfSubjectReview())

    assert "system:masters" in review.status.user_info.groups


async def test_the_version_is_that_of_a_cluster(api: client.ApiClient) -> None:
    version = await client.VersionApi(api).get_code()

    assert (version.major, version.minor) == ("1", "36")
