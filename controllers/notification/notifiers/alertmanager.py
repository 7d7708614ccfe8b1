"""Prometheus Alertmanager: one firing alert per event (10.15)."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Request, json_request

# "Not set" in Go's words; Alertmanager then lets its own resolve_timeout decide.
_UNSET = "0001-01-01T00:00:00Z"


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    labels = dict(notice.metadata)
    annotations = {"message": event.message}
    summary = labels.pop("summary", "")
    if summary:
        annotations["summary"] = summary
    labels |= {
        "alertname": f"Flux{event.kind}{event.reason.capitalize()}",
        "severity": event.severity,
        "reason": event.reason,
        "kind": event.kind,
        "name": event.name,
        "namespace": event.namespace,
        "reportingcontroller": event.controller,
    }
    alert = {
        "labels": labels,
        "annotations": annotations,
        "startsAt": event.timestamp,
        "endsAt": _UNSET,
        "status": "firing",
    }
    yield json_request(notice.require_address(), [alert], notice.authorization())
