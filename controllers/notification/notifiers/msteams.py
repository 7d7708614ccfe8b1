"""Microsoft Teams: adaptive cards for workflows, the old card for office connectors (10.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Request, json_request

_CONNECTOR = ".webhook.office.com"


def render(notice: Notice) -> Iterator[Request]:
    address = notice.require_address()
    host = urlsplit(address).hostname or ""
    yield json_request(address, _connector(notice) if host.endswith(_CONNECTOR) else _adaptive(notice))


def _facts(notice: Notice) -> list[tuple[str, str]]:
    """The summary stands first."""
    return sorted(notice.metadata, key=lambda pair: (pair[0] != "summary", pair[0]))


def _connector(notice: Notice) -> dict[str, Any]:
    event = notice.event
    return {
        "@type": "MessageCard",
        "@context": "http://schema.org/extensions",
        "themeColor": "FF0000" if event.is_error else "0076D7",
        "summary": event.object_name,
        "sections": [
            {
                "activityTitle": event.message,
                "activitySubtitle": event.object_name,
                "facts": [{"name": key, "value": value} for key, value in _facts(notice)],
            }
        ],
    }


def _adaptive(notice: Notice) -> dict[str, Any]:
    event = notice.event
    message: dict[str, Any] = {"type": "TextBlock"}
    if event.message:
        message["text"] = event.message
    if event.is_error:
        message["color"] = "attention"
    items: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": event.object_name,
            "size": "large",
            "weight": "bolder",
            "wrap": True,
        },
        message | {"wrap": True},
    ]
    facts = [{"title": key, "value": value} for key, value in _facts(notice)]
    items.append({"type": "FactSet", "facts": facts} if facts else {"type": "FactSet"})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "Container", "items": items}],
        "msteams": {"width": "Full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}
