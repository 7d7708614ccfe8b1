"""Somebody else's hand in a release: genuine helm, another cluster, and releases that were there before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from controllers.helm.release.storage import Storage
from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.model.kinds import CONFIG_MAP, HELM_RELEASE
from tests.e2e.conftest import NAMESPACE
from tests.e2e.helm_release.charts import Chart
from tests.e2e.helm_release.words import Releases, versions
from tests.e2e.processes import Program
from tests.e2e.test_kustomization_tenancy import kubeconfig
from tests.e2e.world import World, condition, eventually
from tests.peers import find

HELM = find("helm")
pytestmark = pytest.mark.e2e
with_helm = pytest.mark.skipif(HELM is None, reason="no genuine helm: python -m tests.peers fetches one")


def helm(world: World, *args: str) -> str:
    command = [str(HELM), "--kubeconfig", str(world.kubeconfig), "--namespace", world.namespace, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@with_helm
async def test_what_helm_does_to_a_release_is_noticed(releases: Releases, tmp_path: Path) -> None:
    world, chart = releases.world, tmp_path / "podinfo.tgz"
    chart.write_bytes(Chart().packed())
    await releases.offer(Chart())
    await releases.release(interval="2s", values={"text": "ours"})
    await releases.ready()
    assert "podinfo-1.0.0+" in helm(world, "list")
    helm(world, "upgrade", "web", str(chart), "--set", "text=theirs", "--force-conflicts")
    upgraded = await releases.at_version(3)
    assert await releases.text() == "ours"
    assert versions(upgraded) == [3]
    helm(world, "uninstall", "web")

    async def back() -> bool:
        return await releases.stored() == [(1, "deployed")]

    await eventually(back)
    assert await releases.text() == "ours"


@with_helm
async def test_a_release_of_helm_is_taken_over(releases: Releases, tmp_path: Path) -> None:
    chart = tmp_path / "podinfo.tgz"
    chart.write_bytes(Chart().packed())
    helm(releases.world, "install", "web", str(chart), "--set", "text=theirs")
    await releases.offer(Chart())
    await releases.release(values={"text": "ours"})
    taken = await releases.at_version(2)
    assert await releases.text() == "ours"
    assert condition(taken, "Ready")["reason"] == "UpgradeSucceeded"


@pytest.fixture(scope="module")
def far_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("far")
    path = folder / "kubeconfig"
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(path), "--no-workloads"]
    server = Program("far cluster", argv, folder / "log")
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
    releases: Releases, far: KubeClient, far_kubeconfig: Path
) -> None:
    world, namespace = releases.world, releases.world.namespace
    await far.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    await releases.offer(Chart())
    await releases.release(kubeConfig={"secretRef": {"name": "remote"}}, driftDetection={"mode": "enabled"})
    failed = await releases.failing("RESTClientError")
    assert f"could not get KubeConfig secret '{namespace}/remote'" in condition(failed, "Ready")["message"]
    await kubeconfig(world, yaml.safe_load(far_kubeconfig.read_text()))
    await world.request(HELM_RELEASE, "web")
    await releases.ready()
    assert await releases.text() is None, "it is in the wrong cluster"
    assert [head.version for head in await Storage(far, namespace, "web").history()] == [1]

    await far.patch(CONFIG_MAP, namespace, "web-config", {"data": {"text": "meddled"}})

    async def repaired() -> bool:
        return bool((await far.get(CONFIG_MAP, namespace, "web-config"))["data"]["text"] == "hello")

    await eventually(repaired)
    await world.client.delete(HELM_RELEASE, namespace, "web")
    await world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web")
    assert await far.find(CONFIG_MAP, namespace, "web-config") is None
