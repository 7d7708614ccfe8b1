"""Lark (Feishu): an interactive card (10.12)."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Request, json_request


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    mark, template = ("🚨", "red") if event.is_error else ("💫", "turquoise")
    pairs = "".join(f"{key}: {value}\n" for key, value in notice.metadata)
    title = {"tag": "plain_text", "content": f"{mark} {event.object_name}"}
    text = {"tag": "lark_md", "content": f"**{event.message}**\n\n{pairs}"}
    card = {
        "config": {"wide_screen_mode": True},
        "header": {"title": title, "template": template},
        "elements": [{"tag": "div", "text": text}],
    }
    yield json_request(notice.require_address(), {"msg_type": "interactive", "card": card})
