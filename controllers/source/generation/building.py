"""From unpacked sources to stored artifacts, many at a time, in a worker process (spec source 13.3)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from controllers.source.generation.patterns import Wanted
from shared.artifacts.errors import StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.git.client import Git
from shared.git.errors import GitError
from shared.logic.digest import Digest
from shared.model.artifact import Artifact
from shared.model.generator import Copy
from shared.runtime.failure import Failure

BUILD_FAILED = "BuildFailed"
ORIGIN_REVISION = "org.opencontainers.image.revision"
_BUILDING = timedelta(minutes=10)
# A worker is lent for so many at a time: others want it, too.
_BATCH = 25


@dataclass(frozen=True, slots=True)
class Made:
    """An artifact, and what it was made for."""

    wanted: Wanted
    artifact: Artifact

    @property
    def name(self) -> str:
        return self.wanted.output.name

    @property
    def filename(self) -> str:
        return self.artifact.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Task:
    """An artifact to make; `before` is what the object has now."""

    shelf: Shelf
    wanted: Wanted
    before: Artifact | None


@dataclass(frozen=True, slots=True)
class Builder:
    """`git` lends its worker processes."""

    storage: Storage
    git: Git
    digest_algorithm: str

    async def build(
        self, tasks: Sequence[Task], sources: Mapping[str, Path], staging: Path
    ) -> AsyncIterator[Made]:
        """Make and store each; what is stored already as it should be stays. Raises Failure."""
        for start in range(0, len(tasks), _BATCH):
            batch = tasks[start : start + _BATCH]
            try:
                with contextlib.ExitStack() as drafts:
                    outs = await asyncio.to_thread(self._drafts, batch, drafts)
                    built = await self._run(batch, outs, sources, staging)
                    made = await asyncio.to_thread(self._keep, batch, outs, built)
            except (StorageFailed, GitError) as error:
                raise Failure(f"build failed: {error}", reason=BUILD_FAILED) from error
            for each in made:
                yield each

    def _drafts(self, batch: Sequence[Task], drafts: contextlib.ExitStack) -> list[Path]:
        return [drafts.enter_context(self.storage.draft(task.shelf, "draft")) for task in batch]

    async def _run(
        self, batch: Sequence[Task], outs: Sequence[Path], sources: Mapping[str, Path], staging: Path
    ) -> list[dict[str, Any]]:
        wanted = [
            {
                "name": task.wanted.output.name,
                "copies": [_rendered(copy) for copy in task.wanted.output.copies],
                "out": str(out),
            }
            for task, out in zip(batch, outs, strict=True)
        ]
        job = {
            "sources": {alias: str(folder) for alias, folder in sources.items()},
            "staging": str(staging),
            "algorithm": self.digest_algorithm,
            "artifacts": wanted,
        }
        answer = await self.git.run(
            "controllers.source.generation.build:build_artifacts", job, within=_BUILDING
        )
        built: list[dict[str, Any]] = answer["built"]
        if "problem" in built[-1]:
            name = batch[len(built) - 1].wanted.output.name
            message = f"build failed: artifact '{name}': {built[-1]['problem']}"
            raise Failure(message, reason=BUILD_FAILED)
        return built

    def _keep(
        self, batch: Sequence[Task], outs: Sequence[Path], built: Sequence[Mapping[str, Any]]
    ) -> list[Made]:
        return [self._kept(task, out, result) for task, out, result in zip(batch, outs, built, strict=True)]

    def _kept(self, task: Task, draft: Path, built: Mapping[str, Any]) -> Made:
        digest, name = Digest.parse(built["digest"]), str(built["filename"])
        before = task.before
        if before is not None and self._is_there(task.shelf, before, digest, name):
            return Made(task.wanted, replace(before, url=self.storage.url_of(before.path)))
        revision = f"latest@{digest}"
        artifact = self.storage.publish(task.shelf, name, draft, revision=revision, digest=digest)
        return Made(task.wanted, artifact)

    def _is_there(self, shelf: Shelf, before: Artifact, digest: Digest, name: str) -> bool:
        return (
            before.digest == str(digest)
            and before.path == f"{shelf.path}/{name}"
            and self.storage.holds(shelf, before)
        )


def with_revisions(made: Made, sources: Mapping[str, Artifact]) -> Made:
    """The revision and the origin that the spec asks for; an unknown origin is left out."""
    output, artifact = made.wanted.output, made.artifact
    revision = sources[output.revision_of].revision if output.revision_of else f"latest@{artifact.digest}"
    origin = sources.get(output.origin_revision_of)
    metadata = {ORIGIN_REVISION: origin.metadata.get(ORIGIN_REVISION) or origin.revision} if origin else {}
    return replace(made, artifact=replace(artifact, revision=revision, metadata=metadata))


def _rendered(copy: Copy) -> dict[str, Any]:
    return {
        "from": copy.source,
        "to": copy.target,
        "exclude": list(copy.exclude),
        "strategy": str(copy.strategy),
    }
