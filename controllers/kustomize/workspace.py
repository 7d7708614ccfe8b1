"""Artifacts unpacked on disk, shared by the Kustomizations that build from them at a time.

A hundred Kustomizations of one repository unpack it once. Builds only read, so sharing is safe. What
nobody uses is kept for a few, so that the next build of the same revision finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from shared.artifacts.fetch import Fetcher
from shared.model.artifact import Artifact

_IDLE_KEPT = 2
_MAX_IDLE_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class _Tree:
    """`folder` is removed as a whole; `files` is below it once the artifact is unpacked."""

    folder: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    files: Path | None = None
    bytes: int = 0


class Workspace:
    """Trees below `root`, a directory of this process alone, by artifact digest."""

    def __init__(self, root: Path, fetcher: Fetcher) -> None:
        self._root = root
        self._fetcher = fetcher
        self._trees: dict[str, _Tree] = {}

    @contextlib.asynccontextmanager
    async def tree(self, artifact: Artifact) -> AsyncIterator[Path]:
        """The artifact's files, for reading. Raises ArtifactError, and OSError when there is no room."""
        tree = self._trees.get(artifact.digest)
        if tree is None:
            folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._root))
            # Somebody else may have begun meanwhile; an empty folder goes with the process.
            tree = self._trees.setdefault(artifact.digest, _Tree(folder))
        tree.users += 1
        try:
            async with tree.lock:
                if tree.files is None:
                    tree.files = await self._unpacked(artifact, tree)
            yield tree.files
        finally:
            tree.users -= 1
            await asyncio.shield(self._tidy())

    async def _unpacked(self, artifact: Artifact, tree: _Tree) -> Path:
        """Into a folder of its own, so that what a failed try left is in nobody's way."""
        into = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=tree.folder))
        unpacked = await self._fetcher.unpacked(artifact, into)
        tree.bytes = unpacked.size
        return into

    async def _tidy(self) -> None:
        idle = [digest for digest, tree in self._trees.items() if tree.users == 0]
        doomed = [
            digest
            for position, digest in enumerate(reversed(idle))
            if position >= _IDLE_KEPT or self._costly(self._trees[digest])
        ]
        for tree in [self._trees.pop(digest) for digest in doomed]:
            await asyncio.to_thread(shutil.rmtree, tree.folder, ignore_errors=True)

    @staticmethod
    def _costly(tree: _Tree) -> bool:
        return tree.files is None or tree.bytes > _MAX_IDLE_BYTES
