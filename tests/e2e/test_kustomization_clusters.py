"""Two clusters: what a kubeconfig points at is applied, watched, pruned and judged over there."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION
from tests.e2e.conftest import NAMESPACE, Controllers
from tests.e2e.processes import Program
from tests.e2e.repository import Repository, config_map
from tests.e2e.rollout import data_of
from tests.e2e.test_kustomization_tenancy import kubeconfig
from tests.e2e.world import World, condition, eventually

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def far_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("far")
    path = folder / "kubeconfig"
    server = Program(
        "far cluster", [sys.executable, "-m", "localcluster", "--kubeconfig", str(path)], folder / "log"
    )
    server.start()
    try:
        server.wait_file(path)
        yield path
    finally:
        server.stop()


@pytest.fixture
async def far(far_kubeconfig: Path) -> AsyncIterator[KubeClient]:
    client = KubeClient(await connect(str(far_kubeconfig)), user_agent="headwater-tests")
    yield client
    await client.close()


async def test_everything_happens_in_the_other_cluster(
    world: World, controllers: Controllers, repository: Repository, far: KubeClient, far_kubeconfig: Path
) -> None:
    namespace = world.namespace
    await far.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    repository.commit({"a.yaml": config_map("a", key="1"), "b.yaml": config_map("b")})
    await kubeconfig(world, yaml.safe_load(far_kubeconfig.read_text()))
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(
        targetNamespace=namespace, wait=True, kubeConfig={"secretRef": {"name": "remote"}}
    )
    await world.ready(KUSTOMIZATION, "web")
    assert (await far.get(CONFIG_MAP, namespace, "a"))["data"] == {"key": "1"}
    assert await data_of(world, "a") is None, "it is in the wrong cluster"

    await far.patch(CONFIG_MAP, namespace, "a", {"data": {"key": "by hand"}})

    async def repaired() -> bool:
        return bool((await far.get(CONFIG_MAP, namespace, "a"))["data"] == {"key": "1"})

    await eventually(repaired)
    revision = repository.commit({}, remove=("b.yaml",))
    await world.request(GIT_REPOSITORY, "repo")
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert await far.find(CONFIG_MAP, namespace, "b") is None
    await world.client.delete(KUSTOMIZATION, namespace, "web")
    await world.gone(KUSTOMIZATION.api_version, "Kustomization", "web")
    assert await far.find(CONFIG_MAP, namespace, "a") is None


async def test_a_cluster_that_is_not_there_stops_nobody(
    world: World, controllers: Controllers, repository: Repository, far_kubeconfig: Path
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1")})
    config = yaml.safe_load(far_kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    await kubeconfig(world, config)
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization("lost", prune=False, kubeConfig={"secretRef": {"name": "remote"}})
    await world.kustomization(targetNamespace=world.namespace)
    await world.ready(KUSTOMIZATION, "web")
    ks = await world.failing(KUSTOMIZATION, "lost", "ReconciliationFailed")
    assert "127.0.0.1" in condition(ks, "Ready")["message"]
