"""Artifact -> manifests, by the cheapest way that is right: kept, known to be the same, or built."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from controllers.kustomize import stages
from controllers.kustomize.build import Builder
from controllers.kustomize.decide import Step
from controllers.kustomize.failures import BuildFailed
from controllers.kustomize.fetch import Fetch
from controllers.kustomize.footprint import Footprint, RecordedTree
from controllers.kustomize.kept import KeptManifests
from controllers.kustomize.memory import LastBuild, Remembered, Rollout
from controllers.kustomize.post_build import Manifests
from controllers.kustomize.stages import Stage
from controllers.kustomize.variables import Variables
from shared.kustomize.filesystem import DirectoryTree
from shared.model.kustomize import Kustomization
from shared.runtime.report import Report


@dataclass(frozen=True, slots=True)
class Obtain:
    fetch: Fetch
    builder: Builder

    async def manifests(
        self, ks: Kustomization, report: Report, rollout: Rollout, memory: Remembered, variables: Variables
    ) -> Manifests | None:
        """None when the artifact is new but holds nothing new for this Kustomization.

        Raises ArtifactFailed, WorkspaceFailed, BuildFailed, and Waiting while the artifact may still come.
        """
        artifact, last = rollout.artifact, memory.build
        if not rollout.requested and last is not None and last.kept and last.inputs == rollout.inputs:
            return last.kept.unpacked()
        async with self.fetch.files(ks, artifact, memory) as files:
            tree = DirectoryTree(str(files))
            path = self.builder.locate(ks, tree, artifact)
            report.status["lastAttemptedRevision"] = artifact.revision
            if rollout.step is Step.LOOK and await self._is_same(ks, tree, last):
                return None
            stages.enter(report, Stage.BUILDING, ks, artifact)
            footprint = Footprint()
            try:
                built = await self.builder.build(ks, RecordedTree(tree, footprint), path, variables)
            except BuildFailed as failure:
                failure.retry_in = failure.retry_in or ks.retry_interval
                failure.metadata = stages.revision_metadata(artifact)
                raise
        if built.fetched:
            footprint.give_up()
        kept = None if built.fetched else KeptManifests.of(built)
        memory.build = LastBuild(rollout.inputs, built.digest, footprint, kept, lasting=not built.fetched)
        return built

    async def _is_same(self, ks: Kustomization, tree: DirectoryTree, last: LastBuild | None) -> bool:
        # The keys of a decryption are no input that is watched.
        if last is None or ks.decryption is not None:
            return False
        return await asyncio.to_thread(last.footprint.holds, tree)
