"""From unpacked sources to a stored artifact, one at a time, in a worker process (spec source 13.3)."""

import asyncio
from collections.abc import Mapping
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
from shared.model.generator import Copy, Output
from shared.runtime.failure import Failure

BUILD_FAILED = "BuildFailed"
ORIGIN_REVISION = "org.opencontainers.image.revision"
_BUILDING = timedelta(minutes=10)


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
class Builder:
    """`git` lends its worker processes."""

    storage: Storage
    git: Git
    digest_algorithm: str

    async def build(
        self,
        shelf: Shelf,
        wanted: Wanted,
        before: Artifact | None,
        sources: Mapping[str, Path],
        staging: Path,
    ) -> Made:
        """Make it and store it; `before` stays where nothing changed. Raises Failure."""
        output = wanted.output
        try:
            with self.storage.draft(shelf, "draft") as draft:
                await asyncio.to_thread(staging.mkdir, parents=True)
                built = await self._copy(output, sources, staging, draft)
                digest, name = Digest.parse(built["digest"]), str(built["filename"])
                if before is not None and self._is_there(shelf, before, digest, name):
                    return Made(wanted, replace(before, url=self.storage.url_of(before.path)))
                artifact = await asyncio.to_thread(
                    self.storage.publish, shelf, name, draft, revision=f"latest@{digest}", digest=digest
                )
                return Made(wanted, artifact)
        except (StorageFailed, GitError, OSError) as error:
            raise _failure(output, str(error)) from error

    async def _copy(
        self, output: Output, sources: Mapping[str, Path], staging: Path, draft: Path
    ) -> dict[str, Any]:
        job = {
            "copies": [_rendered(copy) for copy in output.copies],
            "sources": {alias: str(folder) for alias, folder in sources.items()},
            "staging": str(staging),
            "name": output.name,
            "out": str(draft),
            "algorithm": self.digest_algorithm,
        }
        built = await self.git.run(
            "controllers.source.generation.build:build_artifact", job, within=_BUILDING
        )
        if "problem" in built:
            raise _failure(output, built["problem"])
        return built

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


def _failure(output: Output, said: str) -> Failure:
    return Failure(f"build failed: artifact '{output.name}': {said}", reason=BUILD_FAILED)
