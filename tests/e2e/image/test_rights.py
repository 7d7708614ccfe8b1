"""image-automation-controller does its job with the rights that deploy/base gives it, and with no others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.kube.client import KubeClient
from shared.model.kinds import IMAGE_POLICY, IMAGE_REPOSITORY
from shared.oci.docker_config import Login
from tests.e2e.conftest import NAMESPACE, Cluster
from tests.e2e.image.words import chosen, pull_secret
from tests.e2e.installation import Account, installed
from tests.e2e.kubectl import KUBECTL
from tests.e2e.processes import ControllerProgram, controller
from tests.e2e.world import RUN_LABEL, World
from tests.fakes.registry import FakeRegistry

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.skipif(KUBECTL is None, reason="no kubectl here: make peers, or install one"),
]


@pytest.fixture
async def account(cluster: Cluster, client: KubeClient, tmp_path: Path) -> AsyncIterator[Account]:
    folder = tmp_path / "installation"
    folder.mkdir()
    async with installed("image-automation-controller", cluster, client, folder) as made:
        yield made


@pytest.fixture
def limited(account: Account, world: World, tmp_path: Path) -> Iterator[ControllerProgram]:
    """The controller under that account, with leader election as in the manifests."""
    world.run_id = f"{world.run_id}-limited"
    program = controller(
        "image_automation",
        account.kubeconfig,
        tmp_path,
        "--enable-leader-election",
        f"--watch-label-selector={RUN_LABEL}={world.run_id}",
        f"--storage-path={tmp_path / 'tags'}",
        RUNTIME_NAMESPACE=account.namespace,
    )
    program.start()
    yield program
    assert program.stop() == 0, program.tail()


async def test_it_needs_no_more(world: World, server: FakeRegistry, limited: ControllerProgram) -> None:
    server.username, server.password = "ada", "hunter2"
    server.add_tags("1.0.0")
    other = f"{world.namespace}-shared"
    await world.client.create(
        NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}
    )
    shared = World(world.client, world.discovery, other, world.run_id, world.kubeconfig)
    try:
        await pull_secret(shared, "pull", server.host, Login(server.username, server.password))
        access = {"namespaceSelectors": [{"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}]}
        await shared.image_repository(
            image=f"{server.host}/team/app", secretRef={"name": "pull"}, accessFrom=access
        )
        await shared.ready(IMAGE_REPOSITORY, "app")
        await world.image_policy(imageRepositoryRef={"name": "app", "namespace": other})
        await chosen(world, "1.0.0")
        await world.client.delete(IMAGE_POLICY, world.namespace, "app")
        await world.gone(IMAGE_POLICY.api_version, IMAGE_POLICY.kind, "app")
    finally:
        await shared.clean_up()
        await world.client.delete(NAMESPACE, "", other)
    assert "orbidden" not in limited.log.read_text()


async def test_what_it_may(account: Account, client: KubeClient) -> None:
    for verb, resource, allowed in (
        ("patch", "imagerepositories.image.toolkit.fluxcd.io", True),
        ("get", "secrets", True),
        ("list", "secrets", False),
        ("create", "imagepolicies.image.toolkit.fluxcd.io", False),
        ("patch", "gitrepositories.source.toolkit.fluxcd.io", False),
        ("patch", "kustomizations.kustomize.toolkit.fluxcd.io", False),
        ("create", "deployments.apps", False),
    ):
        assert await account.may(client, verb, resource) is allowed, (verb, resource)
