"""Finalizers that Flux put on Alerts and Providers, taken off: nothing here outlives them (5.1, 5.2).

Flux still puts one on Providers. We do not, and let go of those that are being deleted.
"""

from __future__ import annotations

import asyncio

import structlog

from shared.kube.cache import Cache, Change
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.kinds import ALERT
from shared.model.meta import FINALIZER, Object, ObjectKey

log = structlog.get_logger()


class Migration:
    """Subscribes to caches that somebody else runs; `run` never returns."""

    def __init__(self, client: KubeClient, alerts: Cache, providers: Cache) -> None:
        self._client = client
        self._waiting: asyncio.Queue[tuple[Cache, ObjectKey]] = asyncio.Queue()
        for cache in (alerts, providers):
            self._follow(cache)

    async def run(self) -> None:
        while True:
            cache, key = await self._waiting.get()
            obj = cache.find(key)
            if obj is not None and needs_release(cache.resource.kind, obj):
                await self._release(cache, key, obj)

    def _follow(self, cache: Cache) -> None:
        def changed(change: Change) -> None:
            if change.after is not None and needs_release(cache.resource.kind, change.after):
                self._waiting.put_nowait((cache, change.key))

        cache.subscribe(changed)

    async def _release(self, cache: Cache, key: ObjectKey, obj: Object) -> None:
        meta = obj["metadata"]
        left = [name for name in meta["finalizers"] if name != FINALIZER]
        body = {"metadata": {"finalizers": left, "resourceVersion": meta["resourceVersion"]}}
        try:
            await self._client.patch(cache.resource, key.namespace, key.name, body)
        except KubeError as error:
            # Whoever was faster causes another change, which brings it back here.
            log.info("finalizer not removed", kind=cache.resource.kind, object=str(key), error=str(error))
        else:
            log.info("removed finalizer", kind=cache.resource.kind, object=str(key))


def needs_release(kind: str, obj: Object) -> bool:
    meta = obj["metadata"]
    if FINALIZER not in (meta.get("finalizers") or ()):
        return False
    is_deleted = bool(meta.get("deletionTimestamp"))
    if kind == ALERT.kind:
        return is_deleted or not (obj.get("spec") or {}).get("suspend")
    return is_deleted
