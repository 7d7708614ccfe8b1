"""Telegram: a bot's message, escaped for MarkdownV2 (10.11)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Request, json_request

API = "https://api.telegram.org"
_ESCAPED = str.maketrans({mark: f"\\{mark}" for mark in "\\.-_[]()~>`#+=|{}!*"})


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    chat, _, thread = notice.require_channel().partition(":")
    mark = "🚨" if event.is_error else "💫"
    heading = f"{mark} {event.kind.lower()}/{event.name}/{event.namespace}"
    pairs = "".join(f"\\- *{_escape(key)}*: {_escape(value)}\n" for key, value in notice.metadata)
    payload = {"chat_id": chat}
    if thread:
        payload["message_thread_id"] = thread
    payload |= {
        "text": f"*{_escape(heading)}*\n{_escape(event.message)}\n{pairs}",
        "parse_mode": "MarkdownV2",
    }
    token = quote(notice.require_token(), safe=":")
    yield json_request(f"{API}/bot{token}/sendMessage", payload)


def _escape(text: str) -> str:
    return text.translate(_ESCAPED)
