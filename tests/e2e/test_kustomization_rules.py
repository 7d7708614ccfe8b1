"""What objects say of themselves, what Kustomizations wait for, and a namespace that leaves with its things."""

from __future__ import annotations

import pytest
import yaml

from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION, Resource
from tests.e2e.conftest import NAMESPACE, Controllers
from tests.e2e.repository import Repository, config_map, manifest
from tests.e2e.rollout import data_of, pushed, started
from tests.e2e.world import World, condition, eventually

pytestmark = pytest.mark.e2e

GROUP = "kustomize.toolkit.fluxcd.io"
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")


async def test_images_are_replaced(world: World, controllers: Controllers, repository: Repository) -> None:
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "example/web:1"}]}}
    deployment = manifest(
        "apps/v1", "Deployment", "web", spec={"selector": {"matchLabels": labels}, "template": pod}
    )
    kustomization = {
        "resources": ["d.yaml"],
        "images": [{"name": "example/web", "digest": "sha256:" + "a" * 64}],
    }
    repository.commit({"d.yaml": deployment, "kustomization.yaml": yaml.safe_dump(kustomization)})
    await started(
        world, repository, images=[{"name": "example/web", "newName": "mirror/web", "newTag": "v2"}]
    )
    found = await world.get(DEPLOYMENT, "web")
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "mirror/web:v2"


async def test_ssa_merge_keeps_what_kubectl_set(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    merge = {f"{GROUP}/ssa": "Merge"}
    repository.commit(
        {
            "merge.yaml": manifest("v1", "ConfigMap", "merge", annotations=merge, data={"key": "1"}),
            "plain.yaml": config_map("plain", key="1"),
        }
    )
    await started(world, repository)
    for name in ("merge", "plain"):
        await world.client.apply(
            CONFIG_MAP,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": world.namespace},
                "data": {"theirs": "x"},
            },
            field_manager="kubectl",
        )
    await world.request(KUSTOMIZATION, "web")

    async def taken_back() -> bool:
        return await data_of(world, "plain") == {"key": "1"}

    await eventually(taken_back)
    assert await data_of(world, "merge") == {"key": "1", "theirs": "x"}


async def test_a_labelled_config_map_wakes_who_uses_it(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    metadata = {
        "name": "vars",
        "namespace": world.namespace,
        "labels": {"reconcile.fluxcd.io/watch": "Enabled"},
    }
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "1"}}
    await world.client.create(CONFIG_MAP, settings)
    repository.commit({"a.yaml": config_map("a", key="v-${x}")})
    use = [{"kind": "ConfigMap", "name": "vars"}]
    await started(world, repository, postBuild={"substituteFrom": use})
    assert await data_of(world, "a") == {"key": "v-1"}
    await world.client.patch(CONFIG_MAP, world.namespace, "vars", {"data": {"x": "2"}})
    await world.until(CONFIG_MAP, "a", lambda obj: obj["data"] == {"key": "v-2"}, seconds=10)


async def test_a_dependency_is_judged_by_an_expression(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a/a.yaml": config_map("a"), "b/b.yaml": config_map("b")})
    await started(world, repository, path="./a")
    expression = "dep.metadata.annotations['go'] == self.metadata.name"
    await world.kustomization(
        "after",
        path="./b",
        targetNamespace=world.namespace,
        dependsOn=[{"name": "web", "readyExpr": expression}],
    )
    await world.failing(KUSTOMIZATION, "after", "DependencyNotReady")
    assert await data_of(world, "b") is None
    go = {"metadata": {"annotations": {"go": "after"}}}
    await world.client.patch(KUSTOMIZATION, world.namespace, "web", go)
    await world.ready(KUSTOMIZATION, "after")
    await world.change(KUSTOMIZATION, "after", dependsOn=[{"name": "web", "readyExpr": "dep.status"}])
    ks = await world.failing(KUSTOMIZATION, "after", "InvalidCELExpression")
    assert condition(ks, "Stalled")["status"] == "True"


async def test_a_namespace_leaves_with_what_is_in_it(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    name = f"{world.namespace}-own"
    inside = yaml.safe_load(config_map("inside", key="1"))
    inside["metadata"]["namespace"] = name
    files = {"ns.yaml": manifest("v1", "Namespace", name), "in.yaml": yaml.safe_dump(inside)}
    repository.commit(files)
    await started(world, repository, targetNamespace=None)
    assert await world.find("v1", "ConfigMap", "inside", name) is not None

    repository.commit({}, remove=("ns.yaml",))
    await world.request(GIT_REPOSITORY, "repo")
    ks = await world.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    assert f"ConfigMap/{name}/inside" in condition(ks, "Ready")["message"]

    revision = await pushed(world, repository, ns=files["ns.yaml"])
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    repository.commit({"other.yaml": manifest("v1", "Namespace", f"{name}-2")}, remove=("ns.yaml", "in.yaml"))
    await world.request(GIT_REPOSITORY, "repo")

    async def gone() -> bool:
        return await world.client.find(NAMESPACE, "", name) is None

    await eventually(gone)
    ks = await world.ready(KUSTOMIZATION, "web", revision=f"main@sha1:{repository.head()}")
    assert [entry["id"] for entry in ks["status"]["inventory"]["entries"]] == [f"_{name}-2__Namespace"]
