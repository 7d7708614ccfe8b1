"""Directories made once for all who read them at a time, by key.

What nobody uses is kept for a few, so that whoever comes next finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

_IDLE_KEPT = 2
_MAX_IDLE_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class _Tree:
    """`folder` is removed as a whole; `files` is below it once it has been filled."""

    folder: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    files: Path | None = None
    bytes: int = 0


class SharedTrees:
    """Trees below `root`, a directory of this process alone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._trees: dict[str, _Tree] = {}

    @contextlib.asynccontextmanager
    async def use(self, key: str, fill: Callable[[Path], Awaitable[int]]) -> AsyncIterator[Path]:
        """The tree of that key, for reading; `fill` makes it and returns its size in bytes.

        Raises what `fill` does, and OSError when there is no room.
        """
        tree = self._trees.get(key)
        if tree is None:
            folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._root))
            # Somebody else may have begun meanwhile; an empty folder goes with the process.
            tree = self._trees.setdefault(key, _Tree(folder))
        tree.users += 1
        try:
            async with tree.lock:
                if tree.files is None:
                    tree.files = await self._filled(tree, fill)
            yield tree.files
        finally:
            tree.users -= 1
            await asyncio.shield(self._tidy())

    @staticmethod
    async def _filled(tree: _Tree, fill: Callable[[Path], Awaitable[int]]) -> Path:
        """In a folder of its own, so that what a failed try left is in nobody's way."""
        into = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=tree.folder))
        tree.bytes = await fill(into)
        return into

    async def _tidy(self) -> None:
        idle = [key for key, tree in self._trees.items() if tree.users == 0]
        doomed = [
            key
            for position, key in enumerate(reversed(idle))
            if position >= _IDLE_KEPT or self._costly(self._trees[key])
        ]
        for tree in [self._trees.pop(key) for key in doomed]:
            await asyncio.to_thread(shutil.rmtree, tree.folder, ignore_errors=True)

    @staticmethod
    def _costly(tree: _Tree) -> bool:
        return tree.files is None or tree.bytes > _MAX_IDLE_BYTES
