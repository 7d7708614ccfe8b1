"""PagerDuty: an incident per object, resolved by good news, which are change events too (10.17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controllers.notification.notifiers.notice import Notice, at_path, describe
from controllers.notification.outgoing import Request, json_request


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    if event.reason == "Progressing":
        return
    address = notice.require_address()
    alert: dict[str, Any] = {
        "routing_key": notice.channel,
        "event_action": "trigger" if event.is_error else "resolve",
        "dedup_key": event.uid,
    }
    if event.is_error:
        alert["payload"] = _summary(notice) | {
            "severity": "error",
            "component": event.name,
            "group": event.kind,
        }
    yield json_request(at_path(address, "/v2/enqueue"), alert)
    if not event.is_error:
        change = {"routing_key": notice.channel, "payload": _summary(notice), "links": None}
        yield json_request(at_path(address, "/v2/change/enqueue"), change)


def _summary(notice: Notice) -> dict[str, Any]:
    event = notice.event
    return {
        "summary": f"{describe(event.reason)}: {event.kind.lower()}/{event.name.lower()}",
        "source": f"Flux {event.controller}",
        "timestamp": event.timestamp,
        "custom_details": {"message": event.message, "metadata": dict(notice.metadata)},
    }
