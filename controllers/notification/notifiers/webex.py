"""Webex: markdown for a room (10.8)."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.notification.notifiers.notice import Notice, bearer
from controllers.notification.outgoing import Request, json_request


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    mark = "💣" if event.is_error else "✅"
    pairs = "".join(f">**{key}**: {value}\n" for key, value in notice.metadata)
    payload = {
        "roomId": notice.require_channel(),
        "markdown": f"{mark} **{event.object_name}**\n{event.message}\n{pairs}",
    }
    yield json_request(notice.require_address(), payload, bearer(notice.require_token()))
