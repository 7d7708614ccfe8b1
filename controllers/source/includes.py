"""Artifacts of other GitRepositories that go into this one's (spec source 8.7)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from controllers.source.conditions import INCLUDE_UNAVAILABLE, STORAGE_OPERATION_FAILED, Reason, noting
from controllers.source.tree_path import inside
from shared.artifacts.errors import ArtifactError, StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.artifacts.unpack import Links, unpack
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.artifact import Artifact, artifact_of
from shared.model.event import EventType
from shared.model.kinds import GIT_REPOSITORY
from shared.model.meta import ObjectKey
from shared.model.source import GitRepository, Include
from shared.runtime.failure import Failure, Waiting
from shared.runtime.report import Report


@dataclass(frozen=True, slots=True)
class Includes:
    """`requeue`: how soon to look again at a repository that is not there yet."""

    client: KubeClient
    storage: Storage
    requeue: timedelta

    async def artifacts(self, repo: GitRepository, report: Report) -> list[Artifact]:
        """The artifacts to include, in the order of the spec. Raises Waiting."""
        with noting(report, INCLUDE_UNAVAILABLE):
            try:
                found = [await self._artifact(repo, include) for include in repo.content.include]
            except Waiting as waiting:
                # Nothing failed: worth an event for whoever looks, not a notification.
                report.tell(EventType.TRACE, waiting.reason, waiting.message)
                raise
        report.conditions.delete(INCLUDE_UNAVAILABLE)
        return found

    async def _artifact(self, repo: GitRepository, include: Include) -> Artifact:
        name = include.repository
        try:
            obj = await self.client.find(GIT_REPOSITORY, repo.key.namespace, name)
        except KubeError as error:
            raise self._waiting(
                f"could not get resource for include '{name}': {error}", Reason.INCLUDE_NOT_FOUND
            ) from error
        if obj is None:
            raise self._waiting(
                f"could not get resource for include '{name}': not found", Reason.INCLUDE_NOT_FOUND
            )
        artifact = artifact_of(obj)
        if artifact is None:
            raise self._waiting(f"no artifact available for include '{name}'", Reason.INCLUDE_NO_ARTIFACT)
        return artifact

    def _waiting(self, message: str, reason: Reason) -> Waiting:
        return Waiting(message, reason=reason, retry_in=self.requeue, quiet=True)

    async def unpacked(
        self, repo: GitRepository, report: Report, artifacts: Sequence[Artifact], folder: Path
    ) -> list[dict[str, Any]]:
        """Unpack each artifact below `folder`; what packing.pack_commit wants to know of them."""
        plan: list[dict[str, Any]] = []
        with noting(report, STORAGE_OPERATION_FAILED):
            for number, (include, artifact) in enumerate(zip(repo.content.include, artifacts, strict=True)):
                into = folder / f"include-{number}"
                await asyncio.to_thread(into.mkdir)
                await self._unpack(repo, include, artifact, into)
                plan.append(
                    {"directory": str(into), "from": inside(include.from_path), "to": inside(include.target)}
                )
        return plan

    async def _unpack(self, repo: GitRepository, include: Include, artifact: Artifact, into: Path) -> None:
        shelf = Shelf(GIT_REPOSITORY.kind, ObjectKey(repo.key.namespace, include.repository))
        try:
            if not await asyncio.to_thread(self.storage.holds, shelf, artifact):
                raise StorageFailed(f"artifact '{artifact.path}' is not in storage")
            await unpack(self.storage.file_of(artifact), into, links=Links.REFUSE)
        except ArtifactError as error:
            message = f"failed to copy '{include.repository}' include: {error}"
            raise Failure(message, reason=Reason.COPY_FAILURE) from error
