"""Fetch objects to disk: several at a time, streamed, within limits, and again when a connection breaks.

Before: keys.py chose them. After: bucket_packing.py makes the artifact of the directory.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import aiohttp
import structlog

from controllers.source.buckets.errors import ObjectGone, StoreUnreachable, TooMuch
from controllers.source.buckets.keys import path_of, shown
from controllers.source.buckets.store import Listed, ObjectStore
from controllers.source.buckets.wire import CONNECTIONS

log = structlog.get_logger()

_ATTEMPTS = 3
_CHUNK = 256 * 1024
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Allowance:
    """How many bytes may still come, for all objects together."""

    left: int
    total: int

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise TooMuch(f"the objects of the bucket are larger than {self.total} bytes together")

    def give_back(self, size: int) -> None:
        self.left += size


async def download(store: ObjectStore, objects: Iterable[Listed], folder: Path, limit: int) -> dict[str, str]:
    """Fetch every object below `folder`; the etags of what came, by key.

    An object that has vanished since it was listed is left out. Raises BucketError, OSError.
    """
    waiting = list(objects)
    await asyncio.to_thread(_make_folders, folder, [each.key for each in waiting])
    waiting.reverse()
    etags: dict[str, str] = {}
    allowance = Allowance(limit, limit)

    async def work() -> None:
        while waiting:
            each = waiting.pop()
            try:
                etags[each.key] = await _fetch(store, each.key, folder, allowance)
            except ObjectGone:
                log.info("object vanished from bucket", key=shown(each.key))

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(CONNECTIONS, len(waiting))):
                workers.create_task(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return etags


def _make_folders(folder: Path, keys: Sequence[str]) -> None:
    for parent in {path_of(key)[:-1] for key in keys}:
        folder.joinpath(*parent).mkdir(mode=0o700, parents=True, exist_ok=True)


async def _fetch(store: ObjectStore, key: str, folder: Path, allowance: Allowance) -> str:
    file = folder.joinpath(*path_of(key))
    for attempt in range(_ATTEMPTS):
        try:
            async with store.opened(key) as response:
                etag = store.etag(key, response)
                await save(response, file, allowance)
        except StoreUnreachable:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return etag
    raise AssertionError("the last attempt either returns or raises")


async def save(response: aiohttp.ClientResponse, file: Path, allowance: Allowance) -> None:
    """Stream a body to a new file. Raises TooMuch; what was written of a broken one is removed."""
    taken = 0
    try:
        with await asyncio.to_thread(_create, file) as out:
            async for chunk in _pieces(response):
                allowance.take(len(chunk))
                taken += len(chunk)
                await asyncio.to_thread(out.write, chunk)
    except BaseException:
        await asyncio.to_thread(file.unlink, missing_ok=True)
        allowance.give_back(taken)
        raise


def _create(file: Path) -> BinaryIO:
    return os.fdopen(os.open(file, _NEW_FILE, 0o600), "wb", buffering=0)


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytearray]:
    """Chunks large enough to be worth a thread's while, so that many small reads are one write."""
    gathered = bytearray()
    async for chunk in response.content.iter_any():
        gathered += chunk
        if len(gathered) >= _CHUNK:
            yield gathered
            gathered = bytearray()
    if gathered:
        yield gathered
