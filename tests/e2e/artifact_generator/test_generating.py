"""From parts of a monorepo to ExternalArtifacts, and on to the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.kinds import ARTIFACT_GENERATOR, EXTERNAL_ARTIFACT, GIT_REPOSITORY, KUSTOMIZATION
from shared.model.meta import Object
from tests.e2e.conftest import Controllers
from tests.e2e.git_repository.words import content, told
from tests.e2e.repository import Repository, config_map
from tests.e2e.world import World, condition, eventually

pytestmark = pytest.mark.e2e

REPO = [{"alias": "repo", "kind": "GitRepository", "name": "repo"}]


def copy(source: str, target: str = "@artifact/", **more: Any) -> dict[str, Any]:
    return {"from": source, "to": target, **more}


async def generated(world: World, name: str = "parts", sources_digest: str = "") -> Object:
    """Wait until all is made, and of other sources than those of that digest."""

    def holds(obj: Object) -> bool:
        ready = condition(obj, "Ready")
        return (
            ready.get("status") == "True"
            and ready.get("observedGeneration") == obj["metadata"]["generation"]
            and obj["status"].get("observedSourcesDigest", "") != sources_digest
        )

    return await world.until(ARTIFACT_GENERATOR, name, holds)


async def test_a_commit_wakes_only_what_it_concerns(world: World, repository: Repository) -> None:
    repository.commit({"apps/a/a.yaml": config_map("a", v="1"), "apps/b/b.yaml": config_map("b", v="1")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.artifact_generator(
        sources=REPO,
        artifacts=[
            {"name": "a", "originRevision": "@repo", "copy": [copy("@repo/apps/a/**")]},
            {"name": "b", "copy": [copy("@repo/apps/b/**")]},
        ],
    )
    for name in ("a", "b"):
        await world.kustomization(
            name, sourceRef={"kind": "ExternalArtifact", "name": name}, targetNamespace=world.namespace
        )
    first = await generated(world)

    before = {name: await world.get(EXTERNAL_ARTIFACT, name) for name in ("a", "b")}
    for name, obj in before.items():
        artifact = obj["status"]["artifact"]
        assert artifact["revision"] == f"latest@{artifact['digest']}"
        assert artifact["path"].startswith(f"externalartifact/{world.namespace}/{name}/")
        assert content(obj) == {f"{name}.yaml": config_map(name, v="1")}
        assert (condition(obj, "Ready")["status"], condition(obj, "Ready")["reason"]) == ("True", "Succeeded")
        assert obj["metadata"]["labels"] == {
            "app.kubernetes.io/managed-by": "source-watcher",
            "source.extensions.fluxcd.io/generator": first["metadata"]["uid"],
        }
        assert obj["spec"]["sourceRef"]["name"] == "parts"
        await world.ready(KUSTOMIZATION, name, revision=artifact["revision"])
    assert condition(first, "Ready")["message"] == "reconciliation succeeded, generated 2 artifact(s)"
    assert [entry["name"] for entry in first["status"]["inventory"]] == ["a", "b"]
    assert "observedGeneration" not in first["status"]
    commit = (await world.get(GIT_REPOSITORY, "repo"))["status"]["artifact"]["revision"]
    assert before["a"]["status"]["artifact"]["metadata"] == {"org.opencontainers.image.revision": commit}
    idle = await world.get(KUSTOMIZATION, "b")

    repository.commit({"apps/a/a.yaml": config_map("a", v="2"), "README.md": "nothing for anybody"})
    await world.request(GIT_REPOSITORY, "repo")

    await generated(world, sources_digest=first["status"]["observedSourcesDigest"])
    changed = (await world.get(EXTERNAL_ARTIFACT, "a"))["status"]["artifact"]["revision"]
    assert changed != before["a"]["status"]["artifact"]["revision"]
    await world.ready(KUSTOMIZATION, "a", revision=changed)
    assert (await world.find("v1", "ConfigMap", "a") or {})["data"] == {"v": "2"}
    assert (await world.get(EXTERNAL_ARTIFACT, "b"))["metadata"] == before["b"]["metadata"]
    assert (await world.get(KUSTOMIZATION, "b"))["metadata"] == idle["metadata"]
    # Only what is new is told.
    event = await told(world, "parts", "Ready")
    assert event


async def test_a_directory_each(world: World, repository: Repository) -> None:
    repository.commit({f"apps/{name}/x.yaml": config_map(name.lower()) for name in ("One", "two")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.artifact_generator(
        sources=REPO,
        pathPattern="@repo/apps/{app}",
        commonMetadata={"labels": {"team": "t"}},
        artifacts=[{"name": "app-{app}", "copy": [copy("@repo/apps/{app}/**")]}],
    )
    first = await generated(world)
    assert [entry["name"] for entry in first["status"]["inventory"]] == ["app-one", "app-two"]
    one = await world.get(EXTERNAL_ARTIFACT, "app-one")
    assert (one["metadata"]["labels"]["app"], one["metadata"]["labels"]["team"]) == ("one", "t")
    assert content(one) == {"x.yaml": config_map("one")}

    await world.change(
        ARTIFACT_GENERATOR, "parts", commonMetadata={"labels": None, "annotations": {"note": "n"}}
    )
    await generated(world)
    one = await world.get(EXTERNAL_ARTIFACT, "app-one")
    assert "team" not in one["metadata"]["labels"]
    assert one["metadata"]["annotations"] == {"note": "n"}

    repository.commit({"apps/three/x.yaml": "a: 1\n"}, remove=("apps/two/x.yaml",))
    await world.request(GIT_REPOSITORY, "repo")
    second = await generated(world, sources_digest=first["status"]["observedSourcesDigest"])
    assert [entry["name"] for entry in second["status"]["inventory"]] == ["app-one", "app-three"]
    await world.gone(EXTERNAL_ARTIFACT.api_version, EXTERNAL_ARTIFACT.kind, "app-two")


async def test_what_is_missing_is_waited_for_and_what_is_wrong_is_said(
    world: World, repository: Repository
) -> None:
    await world.artifact_generator(sources=REPO, artifacts=[{"name": "x", "copy": [copy("@repo/none")]}])
    obj = await world.failing(ARTIFACT_GENERATOR, "parts", "SourceFetchFailed")
    assert "source 'GitRepository/" in condition(obj, "Ready")["message"]

    repository.commit({"a": "1"})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    obj = await world.failing(ARTIFACT_GENERATOR, "parts", "BuildFailed")
    assert "source 'none' does not exist" in condition(obj, "Ready")["message"]

    twice = {"name": "x", "copy": [copy("@repo/a")]}
    await world.change(ARTIFACT_GENERATOR, "parts", artifacts=[twice, twice])
    obj = await world.failing(ARTIFACT_GENERATOR, "parts", "ValidationFailed")
    assert condition(obj, "Stalled")["status"] == "True"

    await world.change(ARTIFACT_GENERATOR, "parts", artifacts=[twice])
    await generated(world)
    assert content(await world.get(EXTERNAL_ARTIFACT, "x")) == {"a": "1"}


async def test_somebody_deletes_what_was_made(
    world: World, repository: Repository, controllers: Controllers
) -> None:
    repository.commit({"a": "1"})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.artifact_generator(sources=REPO, artifacts=[{"name": "x", "copy": [copy("@repo/a")]}])
    await generated(world)
    digest = (await world.get(EXTERNAL_ARTIFACT, "x"))["status"]["artifact"]["digest"]

    await world.client.delete(EXTERNAL_ARTIFACT, world.namespace, "x")
    await world.request(ARTIFACT_GENERATOR, "parts")

    async def back() -> bool:
        found = await world.client.find(EXTERNAL_ARTIFACT, world.namespace, "x")
        return bool(found and (found.get("status") or {}).get("artifact", {}).get("digest") == digest)

    await eventually(back)
    await world.client.delete(ARTIFACT_GENERATOR, world.namespace, "parts")
    await world.gone(ARTIFACT_GENERATOR.api_version, ARTIFACT_GENERATOR.kind, "parts")
    await world.gone(EXTERNAL_ARTIFACT.api_version, EXTERNAL_ARTIFACT.kind, "x")
    log = controllers.source.log.read_text()
    assert "internal error" not in log
    assert "bug while reconciling" not in log
