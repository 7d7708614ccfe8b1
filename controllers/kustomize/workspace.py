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
    path: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    complete: bool = False
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
            path = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._root))
            tree = self._trees.setdefault(artifact.digest, _Tree(path))
            if tree.path != path:
                await asyncio.to_thread(path.rmdir)
        tree.users += 1
        try:
            async with tree.lock:
                if not tree.complete:
                    unpacked = await self._fetcher.unpacked(artifact, tree.path)
                    tree.bytes = unpacked.size
                    tree.complete = True
            yield tree.path
        finally:
            tree.users -= 1
            await asyncio.shield(self._tidy())

    async def _tidy(self) -> None:
        idle = [digest for digest, tree in self._trees.items() if tree.users == 0]
        doomed = [
            digest
            for position, digest in enumerate(reversed(idle))
            if position >= _IDLE_KEPT or self._costly(self._trees[digest])
        ]
        for tree in [self._trees.pop(digest) for digest in doomed]:
            await asyncio.to_thread(shutil.rmtree, tree.path, ignore_errors=True)

    @staticmethod
    def _costly(tree: _Tree) -> bool:
        return not tree.complete or tree.bytes > _MAX_IDLE_BYTES
