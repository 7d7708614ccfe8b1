"""Scan repositories: once for all objects that ask for the same, and without sending what did not change.

Two objects ask for the same when image, credentials, certificates, proxy and exclusions agree. Whoever
comes while such a scan runs waits for it; whoever comes a little later takes what it found.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from controllers.image_automation.tag_store import Stamp, TagStore
from controllers.image_automation.tags import Gathering, Listing
from shared.model.meta import ObjectKey
from shared.oci.authorization import Authorizations
from shared.oci.gate import Gates
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.oci.registry import Registry, opened

_REMEMBERED = 2_000
# Characters of addresses and ETags of one list: a registry chooses how long they are.
_MAX_CONDITIONS = 256 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """What is scanned, and with what; equal targets find the same."""

    repository: Repository
    opening: Opening
    exclusions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan found, when it began, and in whose file it is, as long as that has this stamp."""

    listing: Listing
    at: datetime
    holder: ObjectKey
    stamp: Stamp
    pages: tuple[tuple[str, str], ...] = ()
    """The URL and ETag of each page; empty where one of them had none."""


class Scanner:
    """`by_content` chooses the kind of revision; see Listing. Nothing but the store outlives the process."""

    def __init__(
        self,
        store: TagStore,
        known: Authorizations,
        gates: Gates,
        *,
        by_content: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._known, self._gates = store, known, gates
        self._by_content, self._now = by_content, now
        self._found: OrderedDict[Target, Found] = OrderedDict()
        self._locks: dict[Target, _Lock] = {}

    async def scan(self, key: ObjectKey, target: Target, *, not_before: datetime) -> Found:
        """See to it that the store has the tags of `key`; what was found since `not_before` will do.

        Raises OciError, InvalidRegex, TooManyTags, StoreFailed.
        """
        lock = self._locks.setdefault(target, _Lock())
        lock.users += 1
        try:
            async with lock.lock:
                found = self._found.get(target)
                if found is None or found.at < not_before or await self._take(key, target, found) is None:
                    found = await self._look(key, target)
                    self._remember(target, found)
                return found
        finally:
            lock.users -= 1
            if not lock.users:
                self._locks.pop(target, None)

    async def _look(self, key: ObjectKey, target: Target) -> Found:
        began = datetime.fromtimestamp(self._now(), UTC)
        async with opened(target.repository, target.opening, self._known, gates=self._gates) as registry:
            before = self._found.get(target)
            if before is not None and await _is_unchanged(registry, before):
                taken = await self._take(key, target, before)
                if taken is not None:
                    return replace(before, at=began, holder=key, stamp=taken)
            gathering = Gathering(target.exclusions)
            pages = await _gather(registry, gathering)
        listing, stamp = await asyncio.to_thread(self._finish, key, target, gathering)
        return Found(listing, began, key, stamp, pages)

    def _finish(self, key: ObjectKey, target: Target, gathering: Gathering) -> tuple[Listing, Stamp]:
        tags = gathering.finish()
        stamp = self._store.keep(key, str(target.repository), tags)
        return Listing.of(tags, by_content=self._by_content), stamp

    async def _take(self, key: ObjectKey, target: Target, found: Found) -> Stamp | None:
        """Give `key` the tags that another scan stored, if they are still there."""
        image = str(target.repository)
        return await asyncio.to_thread(self._store.copy, found.holder, key, image, found.stamp)

    def _remember(self, target: Target, found: Found) -> None:
        self._found[target] = found
        self._found.move_to_end(target)
        while len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)


@dataclass(slots=True)
class _Lock:
    lock: asyncio.Lock
    users: int

    def __init__(self) -> None:
        self.lock, self.users = asyncio.Lock(), 0


async def _gather(registry: Registry, gathering: Gathering) -> tuple[tuple[str, str], ...]:
    """Add every page; returns what it takes to ask whether they changed, if the registry offers that."""
    pages: list[tuple[str, str]] = []
    async for page in registry.pages():
        await asyncio.to_thread(gathering.add, page.tags)
        pages.append((page.url, page.etag))
    size = sum(len(url) + len(etag) for url, etag in pages)
    return tuple(pages) if all(etag for _, etag in pages) and size <= _MAX_CONDITIONS else ()


async def _is_unchanged(registry: Registry, before: Found) -> bool:
    """Ask for each page whether it changed; the first that did ends it."""
    for url, etag in before.pages:
        if await registry.tag_page(url, unless=etag) is not None:
            return False
    return bool(before.pages)
