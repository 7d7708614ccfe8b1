"""A controller whose flags keep tenants apart: defaults for who acts, and what nobody may refer to."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import yaml

from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION
from tests.e2e.conftest import Cluster, Controllers
from tests.e2e.processes import ControllerProgram, controller
from tests.e2e.repository import Repository, config_map
from tests.e2e.rollout import data_of
from tests.e2e.test_kustomization_tenancy import account, allow_config_maps
from tests.e2e.world import RUN_LABEL, World, condition

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def strict(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControllerProgram]:
    program = controller(
        "kustomize",
        cluster.kubeconfig,
        tmp_path_factory.mktemp("strict"),
        f"--watch-label-selector={RUN_LABEL}={run_id}-strict",
        "--default-service-account=tenant",
        "--no-cross-namespace-refs",
        "--no-remote-bases",
        "--feature-gates=ObjectLevelWorkloadIdentity=true",
        "--default-kubeconfig-service-account=deployer",
    )
    program.start()
    yield program
    assert program.stop() == 0, program.tail()


@pytest.fixture
async def tenant(
    world: World, controllers: Controllers, strict: ControllerProgram, repository: Repository
) -> AsyncIterator[World]:
    """The same namespace; Kustomizations made through it belong to the strict controller."""
    repository.commit(
        {
            "plain/a.yaml": config_map("a", key="1"),
            "remote/kustomization.yaml": "resources: ['https://git.example/o/r']\n",
        }
    )
    await account(world, "tenant")
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    return replace(world, run_id=f"{world.run_id}-strict")


async def test_who_names_no_account_acts_as_the_default_one(tenant: World) -> None:
    await tenant.kustomization(targetNamespace=tenant.namespace, path="./plain")
    ks = await tenant.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    user = f"system:serviceaccount:{tenant.namespace}:tenant"
    assert user in condition(ks, "Ready")["message"]
    await allow_config_maps(tenant, "tenant")
    await tenant.ready(KUSTOMIZATION, "web")
    assert await data_of(tenant, "a") == {"key": "1"}


async def test_a_source_of_another_namespace_is_refused(tenant: World) -> None:
    elsewhere = {"kind": "GitRepository", "name": "repo", "namespace": "default"}
    await tenant.kustomization(sourceRef=elsewhere, path="./plain")
    ks = await tenant.failing(KUSTOMIZATION, "web", "AccessDenied")
    assert condition(ks, "Stalled")["status"] == "True"
    assert condition(ks, "Ready")["message"] == (
        "can't access 'GitRepository/default/repo', cross-namespace references have been blocked"
    )
    await tenant.change(KUSTOMIZATION, "web", sourceRef=elsewhere | {"namespace": tenant.namespace})
    await tenant.failing(KUSTOMIZATION, "web", "ReconciliationFailed")


async def test_a_remote_base_is_refused(tenant: World) -> None:
    await tenant.kustomization(path="./remote")
    ks = await tenant.failing(KUSTOMIZATION, "web", "BuildFailed")
    assert "--no-remote-bases" in condition(ks, "Ready")["message"]


async def test_a_config_map_leads_to_a_cluster_with_a_token(tenant: World) -> None:
    """The cluster is the same one, which trusts its own tokens; the way to it is not."""
    cluster = yaml.safe_load(tenant.kubeconfig.read_text())["clusters"][0]["cluster"]
    if not cluster["server"].startswith("https://"):
        pytest.skip("tokens travel over https alone")
    data = {
        "provider": "generic",
        "address": cluster["server"],
        "ca.crt": base64.b64decode(cluster["certificate-authority-data"]).decode(),
        "audiences": "https://kubernetes.default.svc.cluster.local\nhttps://kubernetes.default.svc",
    }
    metadata = {"name": "way", "namespace": tenant.namespace}
    await tenant.client.create(
        CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    )
    await account(tenant, "deployer")
    await tenant.kustomization(
        targetNamespace=tenant.namespace,
        path="./plain",
        prune=False,
        kubeConfig={"configMapRef": {"name": "way"}},
    )
    ks = await tenant.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    assert f"system:serviceaccount:{tenant.namespace}:deployer" in condition(ks, "Ready")["message"]
