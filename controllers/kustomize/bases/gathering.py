"""What one build needs of the network, fetched between its tries and held until it is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TypeVar

from controllers.kustomize.bases.files import fetch_file
from controllers.kustomize.bases.guard import Guard
from controllers.kustomize.bases.repositories import Repositories
from shared.kustomize.errors import BuildError, LimitExceeded
from shared.kustomize.filesystem import DirectoryTree, Tree
from shared.kustomize.remote import GitAddress, RemoteDirectory, RemoteNeeded

_MAX_RESOURCES = 64
_AT_ONCE = 4

_T = TypeVar("_T")


@dataclass(slots=True)
class Gathered:
    """The build's view of the network (shared.kustomize.remote.Remotes): an answer, or why there is none."""

    _files: dict[str, bytes | BuildError] = field(default_factory=dict)
    _trees: dict[GitAddress, Tree | BuildError] = field(default_factory=dict)

    @property
    def used(self) -> bool:
        return bool(self._files or self._trees)

    def file(self, url: str) -> bytes:
        return _given(self._files.get(url), url)

    def directory(self, address: GitAddress) -> RemoteDirectory:
        return RemoteDirectory(_given(self._trees.get(address), address), f"/{address.directory}")

    def add(self, wanted: str | GitAddress, answer: bytes | Tree | BuildError) -> None:
        if isinstance(wanted, str):
            assert isinstance(answer, bytes | BuildError)
            self._files[wanted] = answer
        else:
            assert not isinstance(answer, bytes)
            self._trees[wanted] = answer

    def __len__(self) -> int:
        return len(self._files) + len(self._trees)


def _given(answer: _T | BuildError | None, wanted: str | GitAddress) -> _T:
    if answer is None:
        raise RemoteNeeded(frozenset({wanted}))
    if isinstance(answer, BuildError):
        # A fresh one: the same error raised twice would carry the first build's traceback.
        raise type(answer)(str(answer))
    return answer


class Gathering:
    """Fills `gathered` with what a build asks for."""

    def __init__(self, repositories: Repositories, guard: Guard, turns: asyncio.Semaphore) -> None:
        self.gathered = Gathered()
        self.held = contextlib.AsyncExitStack()
        self._repositories, self._guard, self._turns = repositories, guard, turns

    async def fetch(self, needed: RemoteNeeded) -> None:
        """Ask for all of these at a time. Raises LimitExceeded; what cannot be had is told by the build."""
        if len(self.gathered) + len(needed.wanted) > _MAX_RESOURCES:
            raise LimitExceeded(f"more than {_MAX_RESOURCES} remote resources in one build")
        async with asyncio.TaskGroup() as tasks:
            for wanted in needed.wanted:
                tasks.create_task(self._fetch(wanted))

    async def _fetch(self, wanted: str | GitAddress) -> None:
        async with self._turns:
            try:
                if isinstance(wanted, str):
                    self.gathered.add(wanted, await fetch_file(wanted, self._guard))
                else:
                    files = await self.held.enter_async_context(self._repositories.checked_out(wanted))
                    self.gathered.add(wanted, DirectoryTree(str(files)))
            except BuildError as error:
                self.gathered.add(wanted, error)


class RemoteBases:
    """Fetches for all builds of the process, a few things at a time."""

    def __init__(self, repositories: Repositories, guard: Guard) -> None:
        self._repositories, self._guard = repositories, guard
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @contextlib.asynccontextmanager
    async def gathering(self) -> AsyncIterator[Gathering]:
        """For one build; checkouts stay on disk until it is over."""
        gathering = Gathering(self._repositories, self._guard, self._turns)
        async with gathering.held:
            yield gathering
