"""Remove the tags of objects that went without being finalized: force-deleted, or while nobody ran."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from controllers.image_automation.tag_store import StoreFailed, TagStore
from shared.kube.cache import Cache
from shared.model.meta import ObjectKey

log = structlog.get_logger()


async def collect_forever(store: TagStore, repositories: Cache, every: timedelta | None) -> None:
    """Look now and then; None never looks."""
    while every is not None:
        await asyncio.sleep(every.total_seconds())
        await collect(store, repositories)


async def collect(store: TagStore, repositories: Cache) -> None:
    """Nothing is removed while the cache may not know all objects; a disk that refuses is logged."""
    if not repositories.synced.is_set() or repositories.broken_since is not None:
        return
    live = {ObjectKey.of(obj) for obj in repositories}
    try:
        removed = await asyncio.to_thread(store.sweep, live)
    except StoreFailed as error:
        log.error("tags could not be collected", error=str(error))
    else:
        log.debug("collected tags of deleted objects", removed=removed)
