"""Fields of Kustomization, and what objects can say of themselves, on a real API server."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION, SECRET
from tests.e2e.conftest import Controllers
from tests.e2e.repository import Repository, config_map, manifest
from tests.e2e.rollout import data_of, pushed, started
from tests.e2e.world import World, condition

pytestmark = pytest.mark.e2e

GOLDEN = Path(__file__).parents[1] / "golden/sops"
GROUP = "kustomize.toolkit.fluxcd.io"


def marked(name: str, word: str, value: str, **data: str) -> str:
    return manifest("v1", "ConfigMap", name, annotations={f"{GROUP}/{word}": value}, data=data)


async def test_what_the_spec_adds_to_the_build(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    component = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "patches": [
            {"target": {"kind": "ConfigMap"}, "patch": '[{"op":"add","path":"/data/c","value":"1"}]'}
        ],
    }
    repository.commit(
        {
            "app/a.yaml": config_map("a", key="1"),
            "app/kustomization.yaml": "resources: [a.yaml]\n",
            "extra/kustomization.yaml": yaml.safe_dump(component),
        }
    )
    await started(
        world,
        repository,
        path="./app",
        namePrefix="pre-",
        nameSuffix="-post",
        components=["../extra", "../nowhere"],
        ignoreMissingComponents=True,
        commonMetadata={"labels": {"team": "x", f"{GROUP}/name": "stolen"}, "annotations": {"note": "y"}},
        patches=[
            {"target": {"kind": "ConfigMap"}, "patch": '[{"op":"add","path":"/data/patched","value":"yes"}]'}
        ],
    )
    found = await world.get(CONFIG_MAP, "pre-a-post")
    assert found["data"] == {"key": "1", "c": "1", "patched": "yes"}
    assert found["metadata"]["labels"] == {
        "team": "x",
        f"{GROUP}/name": "web",
        f"{GROUP}/namespace": world.namespace,
    }
    assert found["metadata"]["annotations"]["note"] == "y"

    await world.change(KUSTOMIZATION, "web", ignoreMissingComponents=False)
    ks = await world.failing(KUSTOMIZATION, "web", "BuildFailed")
    assert "nowhere" in condition(ks, "Ready")["message"]


async def test_words_by_which_objects_are_left_alone(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    await world.client.create(
        CONFIG_MAP,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "once", "namespace": world.namespace},
            "data": {"theirs": "1"},
        },
    )
    repository.commit(
        {
            "once.yaml": marked("once", "ssa", "IfNotPresent", key="1"),
            "new.yaml": marked("new", "ssa", "IfNotPresent", key="1"),
            "ignored.yaml": marked("ignored", "ssa", "Ignore", key="1"),
            "off.yaml": marked("off", "reconcile", "Disabled", key="1"),
            "raw.yaml": marked("raw", "substitute", "disabled", key="${x}"),
        }
    )
    ks = await started(world, repository, postBuild={"substitute": {"x": "1"}})
    assert await data_of(world, "once") == {"theirs": "1"}
    assert await data_of(world, "new") == {"key": "1"}
    assert await data_of(world, "ignored") is None
    assert await data_of(world, "off") is None
    assert await data_of(world, "raw") == {"key": "${x}"}
    assert len(ks["status"]["inventory"]["entries"]) == 5


async def test_sops_from_git_to_the_cluster(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"secret.yaml": (GOLDEN / "encrypted/secret.yaml").read_text()})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace)
    ks = await world.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    assert f"Secret/{world.namespace}/app is SOPS encrypted" in condition(ks, "Ready")["message"]

    await world.change(KUSTOMIZATION, "web", decryption={"provider": "sops", "secretRef": {"name": "keys"}})
    ks = await world.failing(KUSTOMIZATION, "web", "BuildFailed")
    assert "keys" in condition(ks, "Ready")["message"]
    key = base64.b64encode((GOLDEN / "keys/age.agekey").read_bytes()).decode()
    metadata = {"name": "keys", "namespace": world.namespace}
    await world.client.create(
        SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"age.agekey": key}}
    )
    await world.ready(KUSTOMIZATION, "web")
    found = await world.get(SECRET, "app")
    assert base64.b64decode(found["data"]["password"]) == b"s3cr3t"
    assert "sops" not in found


async def test_what_another_one_took_over_is_not_pruned(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"one/a.yaml": config_map("a", key="1"), "two/b.yaml": config_map("b")})
    await started(world, repository, path="./one")
    await world.kustomization("other", path="./two", targetNamespace=world.namespace)
    await world.ready(KUSTOMIZATION, "other")
    moved = {"two/a.yaml": config_map("a", key="2"), "one/c.yaml": config_map("c")}
    revision = repository.commit(moved, remove=("one/a.yaml",))
    await world.request(GIT_REPOSITORY, "repo")
    for name in ("web", "other"):
        await world.ready(KUSTOMIZATION, name, revision=revision)
    ks = await world.get(KUSTOMIZATION, "other")
    assert f"{world.namespace}_a__ConfigMap" in [e["id"] for e in ks["status"]["inventory"]["entries"]]
    await world.until(CONFIG_MAP, "a", lambda obj: obj["data"] == {"key": "2"})


async def test_deleting_can_wait_until_the_objects_are_gone(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    await started(world, repository, deletionPolicy="WaitForTermination", prune=False)
    hold = {"metadata": {"finalizers": ["headwater.test/hold"]}}
    await world.client.patch(CONFIG_MAP, world.namespace, "a", hold)
    await world.client.delete(KUSTOMIZATION, world.namespace, "web")
    await world.until(CONFIG_MAP, "a", lambda obj: "deletionTimestamp" in obj["metadata"])
    assert await world.client.find(KUSTOMIZATION, world.namespace, "web") is not None
    await world.client.patch(CONFIG_MAP, world.namespace, "a", {"metadata": {"finalizers": None}})
    await world.gone(KUSTOMIZATION.api_version, "Kustomization", "web")


async def test_an_expression_says_when_an_object_is_healthy(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    expression = {"apiVersion": "v1", "kind": "ConfigMap", "current": "data.phase == 'done'"}
    repository.commit({"a.yaml": config_map("a", phase="begun")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, wait=True, healthCheckExprs=[expression])
    await world.until(KUSTOMIZATION, "web", lambda obj: condition(obj, "Healthy").get("status") == "Unknown")
    revision = await pushed(world, repository, a=config_map("a", phase="done"))
    await world.ready(KUSTOMIZATION, "web", revision=revision)

    await world.change(KUSTOMIZATION, "web", healthCheckExprs=[expression | {"current": "data.phase =="}])
    ks = await world.failing(KUSTOMIZATION, "web", "InvalidCELExpression")
    assert condition(ks, "Stalled")["status"] == "True"
    assert ks["status"]["observedGeneration"] == ks["metadata"]["generation"]
