"""The cheapest way to the manifests that is right: kept, known to be the same, or built."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controllers.kustomize.build import Builder
from controllers.kustomize.decide import Inputs, Step
from controllers.kustomize.failures import ArtifactFailed, BuildFailed
from controllers.kustomize.fetch import Fetch
from controllers.kustomize.memory import Remembered, Rollout
from controllers.kustomize.obtain import Obtain
from controllers.kustomize.post_build import Manifests
from controllers.kustomize.variables import Variables
from shared.kube.memory import Memory
from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization
from shared.runtime.report import Report
from tests import make
from tests.attack import archives
from tests.unit.controllers.kustomize.test_workspace import Store, store

__all__ = ["store"]

NOTHING = Variables({}, always=False)


def files(web: str = "1", other: str = "1") -> bytes:
    def config(value: str) -> str:
        return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{key: '{value}'}}\n"

    return archives.of_files({"web/a.yaml": config(web), "other/a.yaml": config(other)})


class Bench:
    """One Kustomization of `./web`, and what its attempts remember."""

    def __init__(self, store: Store, **spec: Any) -> None:
        builder = Builder(self.no_decryption, strict=True)
        self.ks = Kustomization.parse(make.kustomization(path="./web", retryInterval="7s", **spec))
        self.obtain = Obtain(Fetch(store.workspace, retries=0, requeue=timedelta(seconds=1)), builder)
        self.memory = Remembered(Memory(self.ks.key))
        self.report = Report(make.kustomization(), writer=None, tell=[].append, now=make.NOW)  # type: ignore[arg-type]

    @staticmethod
    def no_decryption() -> Any:
        raise AssertionError("nothing is encrypted here")

    async def manifests(self, artifact: Artifact, step: Step, *, requested: bool = False) -> Manifests | None:
        inputs = Inputs.of(self.ks, artifact, NOTHING.digest)
        rollout = Rollout(inputs, artifact, make.NOW, step, visible=True, requested=requested)
        return await self.obtain.manifests(self.ks, self.report, rollout, self.memory, NOTHING)


def key(found: Manifests | None) -> object:
    return found and found.objects[0]["data"]["key"]


async def test_the_same_inputs_are_not_built_twice_unless_somebody_asks(store: Store) -> None:
    bench, artifact = Bench(store), store.artifact("one", files())
    first = await bench.manifests(artifact, Step.APPLY)
    assert key(first) == "1"
    store.content.clear()
    store.workspace._trees._trees.clear()
    assert await bench.manifests(artifact, Step.APPLY) == first
    with pytest.raises(Exception, match="artifact not found"):
        await bench.manifests(artifact, Step.APPLY, requested=True)
    assert bench.report.status["lastAttemptedRevision"] == "main@sha1:one"


async def test_a_revision_that_touched_others_is_not_built(store: Store) -> None:
    bench = Bench(store)
    await bench.manifests(store.artifact("one", files()), Step.APPLY)
    assert await bench.manifests(store.artifact("two", files(other="2")), Step.LOOK) is None
    assert key(await bench.manifests(store.artifact("three", files(web="2")), Step.LOOK)) == "2"


async def test_after_a_restart_or_with_keys_a_new_revision_is_always_built(store: Store) -> None:
    assert key(await Bench(store).manifests(store.artifact("one", files()), Step.LOOK)) == "1"
    bench = Bench(store)
    await bench.manifests(store.artifact("one", files()), Step.APPLY)
    bench.ks = Kustomization.parse(
        make.kustomization(path="./web", decryption={"provider": "sops", "secretRef": {"name": "keys"}})
    )
    with pytest.raises(AssertionError, match="nothing is encrypted"):
        await bench.manifests(store.artifact("two", files(other="2")), Step.LOOK)


async def test_a_build_that_fails_is_of_its_revision_and_tried_again(store: Store) -> None:
    bench = Bench(store)
    bad = archives.of_files({"web/kustomization.yaml": "resources: [gone.yaml]\n"})
    with pytest.raises(BuildFailed, match=r"gone\.yaml") as failed:
        await bench.manifests(store.artifact("one", bad), Step.APPLY)
    assert failed.value.metadata == {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:one"}
    assert failed.value.retry_in == timedelta(seconds=7)
    assert bench.memory.build is None


async def test_a_path_that_is_not_there_says_so_before_anything_is_attempted(store: Store) -> None:
    bench = Bench(store)
    with pytest.raises(ArtifactFailed, match="kustomization path not found") as failed:
        await bench.manifests(store.artifact("one", archives.of_files({"x.yaml": ""})), Step.APPLY)
    assert failed.value.metadata == {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:one"}
    assert "lastAttemptedRevision" not in bench.report.status
