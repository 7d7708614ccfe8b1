"""In whose name a Kustomization acts, and what it may reach (specs/kustomize.md 13)."""

from __future__ import annotations

import base64

import pytest
import yaml

from shared.model.kinds import GIT_REPOSITORY, KUSTOMIZATION, SECRET, SERVICE_ACCOUNT, Resource
from tests.e2e.conftest import Controllers
from tests.e2e.repository import Repository, config_map
from tests.e2e.rollout import data_of
from tests.e2e.world import World, condition

pytestmark = pytest.mark.e2e

RBAC = "rbac.authorization.k8s.io"
ROLE = Resource(RBAC, "v1", "Role", "roles")
ROLE_BINDING = Resource(RBAC, "v1", "RoleBinding", "rolebindings")


async def account(world: World, name: str) -> None:
    metadata = {"name": name, "namespace": world.namespace}
    obj = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    await world.client.create(SERVICE_ACCOUNT, obj)


async def allow_config_maps(world: World, name: str) -> None:
    metadata = {"name": name, "namespace": world.namespace}
    head = {"apiVersion": f"{RBAC}/v1", "metadata": metadata}
    verbs = ["get", "list", "watch", "create", "patch", "delete"]
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
    await world.client.create(ROLE, head | {"kind": "Role", "rules": rules})
    binding = {
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": world.namespace}],
    }
    await world.client.create(ROLE_BINDING, head | binding)


async def kubeconfig(world: World, content: object) -> None:
    value = base64.b64encode(yaml.safe_dump(content).encode()).decode()
    metadata = {"name": "remote", "namespace": world.namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"value": value}}
    await world.client.create(SECRET, secret)


async def test_a_tenant_can_do_what_its_account_can(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1")})
    await account(world, "tenant")
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, serviceAccountName="tenant")
    ks = await world.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    message = condition(ks, "Ready")["message"]
    assert f"ConfigMap/{world.namespace}/a" in message
    assert f"system:serviceaccount:{world.namespace}:tenant" in message
    assert await data_of(world, "a") is None

    await allow_config_maps(world, "tenant")
    await world.ready(KUSTOMIZATION, "web")
    assert await data_of(world, "a") == {"key": "1"}


async def test_objects_outlive_the_account_that_could_delete_them(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1")})
    await account(world, "tenant")
    await allow_config_maps(world, "tenant")
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, serviceAccountName="tenant")
    await world.ready(KUSTOMIZATION, "web")
    await world.client.delete(SERVICE_ACCOUNT, world.namespace, "tenant")
    await world.client.delete(KUSTOMIZATION, world.namespace, "web")
    await world.gone(KUSTOMIZATION.api_version, "Kustomization", "web")
    assert await data_of(world, "a") == {"key": "1"}


REFUSED = {
    "exec": ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch"}}, "exec"),
    "auth-provider": ({"auth-provider": {"name": "gcp"}}, "auth-provider"),
}


@pytest.mark.parametrize(("user", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_kubeconfig_that_runs_programs_is_refused(
    world: World, controllers: Controllers, repository: Repository, user: object, words: str
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    config = yaml.safe_load(world.kubeconfig.read_text())
    for entry in config["users"]:
        entry["user"] = user
    await kubeconfig(world, config)
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, kubeConfig={"secretRef": {"name": "remote"}})
    ks = await world.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    assert words in condition(ks, "Ready")["message"]
    assert await data_of(world, "a") is None


async def test_a_kubeconfig_that_is_missing_says_which(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(kubeConfig={"secretRef": {"name": "remote"}})
    ks = await world.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    assert f"unable to read KubeConfig secret '{world.namespace}/remote'" in condition(ks, "Ready")["message"]


async def test_a_kubeconfig_with_a_token_leads_to_its_cluster(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    """The cluster is the same one here, and the way to it is not."""
    repository.commit({"a.yaml": config_map("a", key="1")})
    await kubeconfig(world, yaml.safe_load(world.kubeconfig.read_text()))
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, kubeConfig={"secretRef": {"name": "remote"}})
    await world.ready(KUSTOMIZATION, "web")
    assert await data_of(world, "a") == {"key": "1"}
    await world.ready(GIT_REPOSITORY, "repo")
