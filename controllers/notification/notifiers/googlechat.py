"""Google Chat: a card with the message and the metadata (10.6)."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Request, json_request


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    # Chat reads a small HTML: what a commit wrote must not become a link or a tag of its own.
    text = html.escape(event.message, quote=False)
    if event.is_error:
        text = f'<font color="#ff0000">{text}</font>'
    sections = [_section({"textParagraph": {"text": text}, "keyValue": None})]
    if notice.metadata:
        sections.append(_section(*(_pair(key, value) for key, value in notice.metadata)))
    header = {
        "title": event.object_name,
        "subtitle": event.controller,
        "imageUrl": None,
        "imageStyle": None,
    }
    yield json_request(notice.require_address(), {"cards": [{"header": header, "sections": sections}]})


def _section(*widgets: dict[str, Any]) -> dict[str, Any]:
    return {"header": "", "widgets": list(widgets)}


def _pair(key: str, value: str) -> dict[str, Any]:
    shown = {
        "topLabel": key,
        "content": html.escape(value, quote=False),
        "contentMultiline": False,
        "bottomLabel": None,
        "icon": None,
    }
    return {"textParagraph": None, "keyValue": shown}
