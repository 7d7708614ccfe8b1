"""Grafana: an annotation (10.16)."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Request, json_request


def render(notice: Notice) -> Iterator[Request]:
    event, found = notice.event, notice.credentials
    pairs = [f"{key.replace(':', '|')}: {value.replace(':', '|')}" for key, value in notice.metadata]
    payload = {
        "when": int(event.moment.timestamp()),
        "text": event.object_name,
        "tags": [
            "flux",
            event.controller,
            *pairs,
            f"kind: {event.kind}",
            f"name: {event.name}",
            f"namespace: {event.namespace}",
        ],
    }
    headers = {"Authorization": f"Bearer {found.token.strip()}"} if found.token else notice.authorization()
    yield json_request(notice.require_address(), payload, headers)
