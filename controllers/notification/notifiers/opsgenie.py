"""Opsgenie: an alert per event (10.14)."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Request, json_request


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    payload = {
        "message": f"{event.kind}/{event.name}",
        "description": event.message,
        "details": dict(notice.metadata) | {"severity": event.severity},
    }
    headers = {"Authorization": f"GenieKey {notice.require_token()}"}
    yield json_request(notice.require_address(), payload, headers)
