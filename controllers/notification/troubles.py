"""What went wrong with a notification, told as Warning events about the Alert (specs/notification.md 8.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from controllers.notification.measures import Measures
from controllers.notification.outgoing import DeliveryFailed
from shared.model.event import Event as Told
from shared.model.event import EventType
from shared.model.meta import Object, ObjectKey
from shared.runtime.events import Recorder

if TYPE_CHECKING:
    from controllers.notification.dispatch import Job
    from controllers.notification.event import Event

log = structlog.get_logger()

_DISPATCH_FAILED = "NotificationDispatchFailed"


class Troubles:
    def __init__(self, recorder: Recorder, measures: Measures) -> None:
        self._recorder, self._measures = recorder, measures

    def tell(
        self, alert: Object, reason: str, message: str, annotations: Mapping[str, str] | None = None
    ) -> None:
        meta = alert["metadata"]
        log.warning(message, reason=reason, alert=str(ObjectKey.of(alert)))
        involved = {
            "apiVersion": alert["apiVersion"],
            "kind": alert["kind"],
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta.get("uid", ""),
            "resourceVersion": meta.get("resourceVersion", ""),
        }
        self._recorder.tell(Told(involved, EventType.WARNING, reason, message, annotations or {}))

    def not_dispatched(self, alert: Object, event: Event, problem: str) -> None:
        self.tell(
            alert, _DISPATCH_FAILED, f"failed to dispatch notification for {event.object_path}: {problem}"
        )

    def conflicts(self, alert: Object, conflicts: Mapping[str, str]) -> None:
        message = (
            "metadata key conflicts detected "
            "(please refer to the Alert API docs and Flux RFC 0008 for more information)"
        )
        self.tell(alert, "MetadataAppendFailed", message, conflicts)

    def failed(self, job: Job, error: DeliveryFailed, *, final: bool) -> None:
        """Of a delivery: lost when it is final, tried again otherwise."""
        self._measures.notified(job.provider, "lost" if final else "retried")
        more = "" if final else " (it is tried again)"
        message = f"failed to send notification for {job.event.object_path}: {error}{more}"
        self.tell(job.alert, _DISPATCH_FAILED, message)

    def delivered(self, job: Job) -> None:
        self._measures.notified(job.provider, "delivered")
        log.info("notification sent", provider=str(job.provider), object=job.event.object_path)
