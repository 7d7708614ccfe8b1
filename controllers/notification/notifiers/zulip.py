"""Zulip: a message to a channel's topic (10.20)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from controllers.notification.notifiers.markdown import status_text
from controllers.notification.notifiers.notice import Notice, at_path, basic
from controllers.notification.outgoing import Refused, Request


def render(notice: Notice) -> Iterator[Request]:
    channel, _, topic = notice.channel.partition("/")
    if not channel or not topic:
        raise Refused("the channel of a zulip provider is written '<channel>/<topic>'")
    found = notice.credentials
    if not found.password:
        raise Refused("a zulip provider needs a secret with 'username' and 'password'")
    form = {"type": "stream", "to": channel, "topic": topic, "content": status_text(notice)}
    yield Request(
        at_path(notice.require_address(), "/api/v1/messages"),
        urlencode(form).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            **basic(found.username, found.password),
        },
    )
