"""Charts on disk: fetched once, kept by digest, described without being unpacked (specs/helm.md 7.2).

An unchanged release downloads nothing, and reads nothing of its chart but the name and the version that
are remembered of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from controllers.helm.chart_facts import ChartFacts, describe
from shared.artifacts.errors import StorageFailed
from shared.artifacts.fetch import Fetcher
from shared.model.artifact import Artifact

_MOST_FILES = 64
_MOST_BYTES = 256 * 2**20
_MOST_FACTS = 4_096


@dataclass(slots=True)
class _File:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    path: Path | None = None
    size: int = 0


class ChartFiles:
    """Files below `root`, a directory of this process alone."""

    def __init__(self, root: Path, fetcher: Fetcher) -> None:
        self._root = root
        self._fetcher = fetcher
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._facts: OrderedDict[str, ChartFacts] = OrderedDict()

    async def facts(self, artifact: Artifact) -> ChartFacts:
        """What Chart.yaml says; fetches what was never seen. Raises ArtifactError, InvalidChart."""
        known = self._facts.get(artifact.digest)
        if known is None:
            async with self.file(artifact) as path:
                known = await asyncio.to_thread(describe, path)
            self._facts[artifact.digest] = known
            if len(self._facts) > _MOST_FACTS:
                self._facts.popitem(last=False)
        return known

    @contextlib.asynccontextmanager
    async def file(self, artifact: Artifact) -> AsyncIterator[Path]:
        """The verified .tgz, there at least until the context ends. Raises ArtifactError."""
        file = self._files.setdefault(artifact.digest, _File())
        self._files.move_to_end(artifact.digest)
        file.users += 1
        try:
            async with file.lock:
                if file.path is None:
                    await self._fetch(artifact, file)
            assert file.path is not None
            yield file.path
        finally:
            file.users -= 1
            self._tidy()

    async def _fetch(self, artifact: Artifact, file: _File) -> None:
        target = self._root / f"{artifact.digest.replace(':', '-')[:200]}.tgz"
        async with self._fetcher.fetched(artifact) as found:
            try:
                file.size = await asyncio.to_thread(_link, found, target)
            except OSError as error:
                raise StorageFailed(f"the chart cannot be kept: {error.strerror or error}") from error
        file.path = target

    def _tidy(self) -> None:
        """What is used by nobody goes, the longest unused first, until the rest fits."""
        for digest, file in list(self._files.items()):
            total = sum(item.size for item in self._files.values())
            failed = file.path is None
            if len(self._files) <= _MOST_FILES and total <= _MOST_BYTES and not failed:
                continue
            if file.users == 0:
                del self._files[digest]
                if file.path is not None:
                    file.path.unlink(missing_ok=True)


def _link(found: Path, target: Path) -> int:
    """The size in bytes."""
    target.unlink(missing_ok=True)
    os.link(found, target)
    return target.stat().st_size
