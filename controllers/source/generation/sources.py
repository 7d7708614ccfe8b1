"""The sources of an ArtifactGenerator: what they hold, and their content on disk (spec source 13.3)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.artifacts.errors import ArtifactError
from shared.artifacts.fetch import Fetcher
from shared.artifacts.storage import Shelf, Storage
from shared.artifacts.unpack import Links, unpack
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.artifact import Artifact, artifact_of
from shared.model.generator import ArtifactGenerator, NamedSource
from shared.model.kinds import BUCKET, EXTERNAL_ARTIFACT, GIT_REPOSITORY, HELM_CHART, OCI_REPOSITORY
from shared.runtime.failure import Failure

SERVED = {
    resource.kind: resource
    for resource in (BUCKET, GIT_REPOSITORY, OCI_REPOSITORY, HELM_CHART, EXTERNAL_ARTIFACT)
}
SOURCE_FETCH_FAILED = "SourceFetchFailed"


@dataclass(frozen=True, slots=True)
class Sources:
    """`requeue`: how soon to look again at a source that is not there yet."""

    client: KubeClient
    storage: Storage
    fetcher: Fetcher
    requeue: timedelta

    async def artifacts(self, generator: ArtifactGenerator) -> dict[str, Artifact]:
        """Whatever artifacts the sources have, by alias; whether they are Ready does not matter.

        Raises Failure.
        """
        found = await asyncio.gather(*(self._artifact(source) for source in generator.sources))
        return {source.alias: each for source, each in zip(generator.sources, found, strict=True)}

    async def _artifact(self, source: NamedSource) -> Artifact:
        resource = SERVED.get(source.kind)
        if resource is None:
            raise self._failure(f"get sources failed: kind '{source.kind}' is not supported")
        try:
            obj = await self.client.find(resource, source.key.namespace, source.key.name)
        except KubeError as error:
            raise self._failure(f"get sources failed: unable to get source '{source}': {error}") from error
        if obj is None:
            raise self._failure(f"get sources failed: source '{source}' not found")
        artifact = artifact_of(obj)
        if artifact is None:
            raise self._failure(f"get sources failed: source '{source}' has no artifact")
        return artifact

    async def unpacked(
        self, generator: ArtifactGenerator, artifacts: Mapping[str, Artifact], folder: Path
    ) -> dict[str, Path]:
        """Each below `folder`, by alias. Raises Failure."""
        folders: dict[str, Path] = {}
        for source in generator.sources:
            into = folders[source.alias] = folder / source.alias
            await asyncio.to_thread(into.mkdir, parents=True)
            try:
                await self._unpack(source, artifacts[source.alias], into)
            except ArtifactError as error:
                raise self._failure(f"failed to fetch source '{source}': {error}") from error
        return folders

    async def _unpack(self, source: NamedSource, artifact: Artifact, into: Path) -> None:
        """From our own store where it is there, or else from wherever it is served."""
        shelf = Shelf(source.kind, source.key)
        if await asyncio.to_thread(self._holds, shelf, artifact):
            await unpack(self.storage.file_of(artifact), into, links=Links.SKIP)
        else:
            await self.fetcher.unpacked(artifact, into)

    def _holds(self, shelf: Shelf, artifact: Artifact) -> bool:
        if artifact.url != self.storage.url_of(artifact.path) or not self.storage.holds(shelf, artifact):
            return False
        self.storage.verify(artifact)
        return True

    def _failure(self, message: str) -> Failure:
        return Failure(message, reason=SOURCE_FETCH_FAILED, retry_in=self.requeue)


async def folders_below(root: Path) -> list[tuple[str, ...]]:
    """Every directory below, parents first, in the order of their names."""
    return await asyncio.to_thread(_folders_below, root)


def _folders_below(root: Path) -> list[tuple[str, ...]]:
    return sorted(path.relative_to(root).parts for path in root.rglob("*") if path.is_dir())
