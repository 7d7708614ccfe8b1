"""Datadog: an event with tags (10.18)."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.notification.notifiers.notice import Notice, at_path
from controllers.notification.outgoing import Request, json_request


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    tags = [
        f"flux_reporting_controller:{event.controller}",
        f"flux_reason:{event.reason}",
        f"kube_kind:{event.kind}",
        f"kube_name:{event.name}",
        f"kube_namespace:{event.namespace}",
        *(f"{key}:{value}" for key, value in notice.metadata),
    ]
    payload = {
        "title": f"Events from the {event.kind} {event.name}/{event.namespace}",
        "text": event.message,
        "source_type_name": "fluxcd",
        "date_happened": int(event.moment.timestamp()),
        "alert_type": "error" if event.is_error else "info",
        "tags": [tag.lower() for tag in tags],
    }
    address = at_path(notice.require_address(), "/api/v1/events")
    yield json_request(address, payload, {"DD-API-KEY": notice.require_token()})
