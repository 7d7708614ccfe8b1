"""Wait briefly until what was just applied is ready, because the next stage needs it (specs 8.2).

It takes a fraction of a second, so whoever waits here holds his worker; ApplyOptions.patience says for
how long. Waiting for workloads is health.py's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.kube.apply_errors import NotReadyInTime
from shared.kube.client import KubeClient
from shared.kube.parallel import each
from shared.logic.kstatus.compute import assess
from shared.logic.kstatus.health import NOT_FOUND, Assessment
from shared.logic.kstatus.verdict import timed_out
from shared.model.kinds import Resource
from shared.model.meta import Object, ObjectKey, ObjectRef

WITHIN_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.03, 2.0


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An object to wait for, and how it was when it was last seen."""

    ref: ObjectRef
    resource: Resource
    key: ObjectKey
    found: Assessment | None = None

    @classmethod
    def of(cls, ref: ObjectRef, resource: Resource, key: ObjectKey, live: Object | None) -> Unsettled:
        found = assess(live, datetime.now(UTC)) if live is not None else None
        return cls(ref, resource, key, found)

    @property
    def ready(self) -> bool:
        return self.found is not None and self.found.is_current


async def settle(
    client: KubeClient, objects: Iterable[Unsettled], *, at_once: int, within: float = WITHIN_SECONDS
) -> None:
    """Return when all are ready. Raises NotReadyInTime after `within` seconds, naming those that are not."""
    waiting = [item for item in objects if not item.ready]
    pause = _FIRST_PAUSE
    deadline = asyncio.get_running_loop().time() + within

    async def look(item: Unsettled) -> Unsettled:
        live = await client.find(item.resource, item.key.namespace, item.key.name)
        return replace(item, found=NOT_FOUND if live is None else assess(live, datetime.now(UTC)))

    while True:
        waiting = [item for item in await each(waiting, look, at_once=at_once) if not item.ready]
        if not waiting:
            return
        if asyncio.get_running_loop().time() + pause > deadline:
            raise NotReadyInTime(timed_out((item.ref, item.found) for item in waiting))
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
