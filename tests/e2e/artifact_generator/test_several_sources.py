"""Artifacts of several sources, revisions of their choice, and generators that are paused."""

from __future__ import annotations

import pytest

from shared.model.kinds import ARTIFACT_GENERATOR, EXTERNAL_ARTIFACT, GIT_REPOSITORY
from tests.e2e.artifact_generator.test_generating import copy, generated
from tests.e2e.conftest import GitServer
from tests.e2e.git_repository.words import content
from tests.e2e.repository import Repository
from tests.e2e.world import World, condition

pytestmark = pytest.mark.e2e


async def test_values_of_one_laid_over_those_of_another(
    world: World, repository: Repository, git: GitServer
) -> None:
    repository.commit(
        {"values.yaml": "replicas: 1\nimage: {name: web, tag: v1}\n", "chart/Chart.yaml": "x: 1\n"}
    )
    name = f"{world.namespace}-prod.git"
    prod = Repository.create(git.root, f"{git.url}/{name}", name)
    prod.commit({"values.yaml": "replicas: 3\nimage: {tag: v2}\n"})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.git_repository("prod", url=prod.url, ref={"branch": "main"})
    both = [
        {"alias": "base", "kind": "GitRepository", "name": "repo"},
        {"alias": "prod", "kind": "GitRepository", "name": "prod"},
    ]
    copies = [copy("@base/**"), copy("@prod/values.yaml", "@artifact/values.yaml", strategy="Merge")]
    await world.artifact_generator(
        sources=both, artifacts=[{"name": "web", "revision": "@base", "copy": copies}]
    )
    first = await generated(world)

    made = await world.get(EXTERNAL_ARTIFACT, "web")
    assert content(made) == {
        "chart/Chart.yaml": "x: 1\n",
        "values.yaml": "image:\n  name: web\n  tag: v2\nreplicas: 3\n",
    }
    revision = (await world.get(GIT_REPOSITORY, "repo"))["status"]["artifact"]["revision"]
    assert made["status"]["artifact"]["revision"] == revision

    # One of them as a source of another generator.
    await world.artifact_generator(
        "next",
        sources=[{"alias": "web", "kind": "ExternalArtifact", "name": "web"}],
        artifacts=[{"name": "values", "copy": [copy("@web/values.yaml")]}],
    )
    before = await generated(world, "next")
    prod.commit({"values.yaml": "replicas: 4\n"})
    await world.request(GIT_REPOSITORY, "prod")
    await generated(world, sources_digest=first["status"]["observedSourcesDigest"])
    await generated(world, "next", sources_digest=before["status"]["observedSourcesDigest"])
    values = await world.get(EXTERNAL_ARTIFACT, "values")
    assert content(values) == {"values.yaml": "image:\n  name: web\n  tag: v1\nreplicas: 4\n"}


async def test_a_paused_generator_makes_nothing(world: World, repository: Repository) -> None:
    repository.commit({"a": "1"})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    annotation = "source.extensions.fluxcd.io/reconcile"
    source = {"alias": "repo", "kind": "GitRepository", "name": "missing"}
    made = {"name": "a", "copy": [copy("@repo/a")]}
    await world.artifact_generator(sources=[source], artifacts=[made])
    await world.failing(ARTIFACT_GENERATOR, "parts", "SourceFetchFailed")
    pause = {"metadata": {"annotations": {annotation: "Disabled"}}}
    await world.client.patch(ARTIFACT_GENERATOR, world.namespace, "parts", pause)
    await world.change(ARTIFACT_GENERATOR, "parts", sources=[{**source, "name": "repo"}])
    token = await world.request(ARTIFACT_GENERATOR, "parts")
    await world.until(
        ARTIFACT_GENERATOR, "parts", lambda obj: obj["status"].get("lastHandledReconcileAt") == token
    )
    assert await world.client.find(EXTERNAL_ARTIFACT, world.namespace, "a") is None

    resume = {"metadata": {"annotations": {annotation: None}}}
    await world.client.patch(ARTIFACT_GENERATOR, world.namespace, "parts", resume)
    await world.request(ARTIFACT_GENERATOR, "parts")
    obj = await generated(world)
    assert condition(obj, "Ready")["reason"] == "Succeeded"
    assert content(await world.get(EXTERNAL_ARTIFACT, "a")) == {"a": "1"}


async def test_sources_of_others_are_theirs(world: World) -> None:
    source = {"alias": "repo", "kind": "GitRepository", "name": "repo", "namespace": "default"}
    await world.artifact_generator(sources=[source], artifacts=[{"name": "a", "copy": [copy("@repo/a")]}])
    obj = await world.failing(ARTIFACT_GENERATOR, "parts", "AccessDenied")
    assert condition(obj, "Stalled")["message"] == (
        "can't access 'GitRepository/default/repo', cross-namespace references have been blocked"
    )
