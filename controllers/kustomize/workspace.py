"""Artifacts unpacked on disk, shared by the Kustomizations that build from them at a time.

A hundred Kustomizations of one repository unpack it once. Builds only read, so sharing is safe.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from controllers.kustomize.shared_trees import SharedTrees
from shared.artifacts.fetch import Fetcher
from shared.model.artifact import Artifact


class Workspace:
    """Trees below `root`, a directory of this process alone, by artifact digest."""

    def __init__(self, root: Path, fetcher: Fetcher) -> None:
        self._trees = SharedTrees(root)
        self._fetcher = fetcher

    @contextlib.asynccontextmanager
    async def tree(self, artifact: Artifact) -> AsyncIterator[Path]:
        """The artifact's files, for reading. Raises ArtifactError, and OSError when there is no room."""

        async def fill(into: Path) -> int:
            return (await self._fetcher.unpacked(artifact, into)).size

        async with self._trees.use(artifact.digest, fill) as files:
            yield files
