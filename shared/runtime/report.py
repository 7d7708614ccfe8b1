"""The draft of one object's status during one attempt, and what is told about it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from shared.logic.conditions import Conditions
from shared.model.event import Event, EventType
from shared.model.meta import EVENT_ANNOTATION_PREFIX, READY, REQUESTED_AT, Object, ObjectKey
from shared.runtime.status import StatusWriter

Tell = Callable[[Event], None]


class Report:
    """`conditions` and `status` (the other fields) are changed freely; `publish` writes what differs."""

    def __init__(
        self,
        obj: Object,
        *,
        writer: StatusWriter,
        tell: Tell,
        now: datetime,
        generation_in_status: bool = True,
    ) -> None:
        # An inventory may be long, and deepcopy takes seven times as long as this.
        status = orjson.loads(orjson.dumps(obj.get("status") or {}))
        raw_conditions = status.pop("conditions", None)
        self.obj = obj
        self.now = now
        self.key = ObjectKey.of(obj)
        self.generation: int = obj["metadata"].get("generation", 0)
        self.conditions = Conditions.parse(raw_conditions, generation=self.generation, now=now)
        self.before = Conditions(self.conditions, generation=self.generation, now=now)
        self.status: dict[str, Any] = status
        self._writer = writer
        self._tell = tell
        self._generation_in_status = generation_in_status

    @property
    def requested_at(self) -> str:
        """The value of the request annotation, or nothing."""
        return str((self.obj["metadata"].get("annotations") or {}).get(REQUESTED_AT, ""))

    @property
    def is_requested(self) -> bool:
        """Has somebody asked for a reconcile since the last one?"""
        return bool(self.requested_at) and self.requested_at != self.status.get("lastHandledReconcileAt")

    @property
    def observed_generation(self) -> int:
        """-1 when the object has never been finished."""
        if self._generation_in_status:
            return int(self.status.get("observedGeneration", -1))
        ready = self.before.find(READY)
        return ready.observed_generation if ready else -1

    @property
    def is_new_generation(self) -> bool:
        return self.generation != self.observed_generation

    def observe_generation(self) -> None:
        if self._generation_in_status:
            self.status["observedGeneration"] = self.generation

    async def publish(self) -> None:
        """Write what differs from what the API server last told us. Raises the ApiErrors of a patch."""
        self.obj = await self._writer.write(self.obj, list(self.conditions), self.status)

    async def set_finalizers(self, finalizers: list[str]) -> None:
        self.obj = await self._writer.set_finalizers(self.obj, finalizers)

    def tell(
        self, kind: EventType, reason: str, message: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Queue an event about this object; never blocks, never fails."""
        meta = self.obj["metadata"]
        annotations = meta.get("annotations") or {}
        own = {
            key: str(value) for key, value in annotations.items() if key.startswith(EVENT_ANNOTATION_PREFIX)
        }
        involved = {
            "apiVersion": self.obj["apiVersion"],
            "kind": self.obj["kind"],
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta.get("uid", ""),
            "resourceVersion": meta.get("resourceVersion", ""),
        }
        self._tell(Event(involved, kind, reason, message, own | dict(metadata or {})))
