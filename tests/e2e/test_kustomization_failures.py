"""What users do wrong: a condition that says what and where, nothing half-applied, and a way back."""

from __future__ import annotations

import pytest

from shared.model.kinds import GIT_REPOSITORY, KUSTOMIZATION, SECRET
from tests.e2e.conftest import Controllers
from tests.e2e.repository import Repository, config_map, manifest
from tests.e2e.rollout import data_of, pushed, started
from tests.e2e.world import World, condition

pytestmark = pytest.mark.e2e


BAD = {
    "invalid YAML": ("bad.yaml", "a: [1\nb: 2\n", "BuildFailed", "bad.yaml"),
    "an object without a name": (
        "bad.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
        "BuildFailed",
        "bad.yaml",
    ),
    "the same object twice": ("bad.yaml", config_map("a", key="9"), "BuildFailed", "a"),
    "a missing resource": (
        "kustomization.yaml",
        "resources: [nowhere.yaml]\n",
        "BuildFailed",
        "nowhere.yaml",
    ),
    "a path outside of the root": (
        "kustomization.yaml",
        "resources: [../../../../etc]\n",
        "BuildFailed",
        "etc",
    ),
    "a kustomization that includes itself": (
        "kustomization.yaml",
        "resources: [.]\n",
        "BuildFailed",
        "cycle",
    ),
    "an object that the API server refuses": (
        "bad.yaml",
        manifest("v1", "Service", "bad", spec={"ports": [{"port": 99999999}]}),
        "ReconciliationFailed",
        "Service/{ns}/bad",
    ),
    "a kind that nobody serves": (
        "bad.yaml",
        manifest("nobody.example.com/v1", "Nothing", "bad"),
        "ReconciliationFailed",
        "Nothing",
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_a_bad_commit_fails_clearly_and_leaves_what_runs_alone(
    world: World, controllers: Controllers, repository: Repository, bad: tuple[str, str, str, str]
) -> None:
    file, text, reason, named = bad
    repository.commit({"a.yaml": config_map("a", key="1")})
    ks = await started(world, repository)
    good = ks["status"]["lastAppliedRevision"]
    repository.commit({file: text, "new.yaml": config_map("new")})
    await world.request(GIT_REPOSITORY, "repo")

    ks = await world.failing(KUSTOMIZATION, "web", reason)
    assert named.replace("{ns}", world.namespace) in condition(ks, "Ready")["message"]
    assert ks["status"]["lastAppliedRevision"] == good
    assert await data_of(world, "a") == {"key": "1"}
    assert await data_of(world, "new") is None, "half of a bad commit was applied"

    revision = await pushed(world, repository, a=config_map("a", key="2"), remove=(file,))
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert await data_of(world, "a") == {"key": "2"}


async def test_a_path_that_is_not_there(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(path="./nowhere")
    await world.until(
        KUSTOMIZATION,
        "web",
        lambda obj: "kustomization path not found" in condition(obj, "Ready").get("message", ""),
    )
    await world.failing(KUSTOMIZATION, "web", "ArtifactFailed")
    await world.change(KUSTOMIZATION, "web", path="./", targetNamespace=world.namespace)
    await world.ready(KUSTOMIZATION, "web")


async def test_a_source_that_is_not_there(world: World, controllers: Controllers) -> None:
    await world.kustomization()
    ks = await world.failing(KUSTOMIZATION, "web", "ArtifactFailed")
    assert "not found" in condition(ks, "Ready")["message"]


async def test_an_immutable_field_is_refused_and_forced(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    def secret(kind: str) -> str:
        return manifest("v1", "Secret", "s", type=kind, stringData={"k": "v"})

    repository.commit({"s.yaml": secret("Opaque")})
    await started(world, repository)
    before = (await world.get(SECRET, "s"))["metadata"]["uid"]
    await pushed(world, repository, s=secret("example.com/other"))
    ks = await world.failing(KUSTOMIZATION, "web", "ReconciliationFailed")
    message = condition(ks, "Ready")["message"]
    assert f"Secret/{world.namespace}/s" in message
    assert "immutable" in message

    await world.change(KUSTOMIZATION, "web", force=True)
    await world.ready(KUSTOMIZATION, "web")
    found = await world.get(SECRET, "s")
    assert (found["type"], found["metadata"]["uid"] != before) == ("example.com/other", True)


async def test_an_undefined_variable_names_itself(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="${nobody_sets_this}")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, postBuild={"substitute": {"other": "1"}})
    ks = await world.failing(KUSTOMIZATION, "web", "BuildFailed")
    assert 'variable not set (strict mode): "nobody_sets_this"' in condition(ks, "Ready")["message"]
