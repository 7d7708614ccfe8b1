"""Slack, and those that speak its format: Rocket.Chat and Discord (specs/notification.md 10.2-10.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from controllers.notification.notifiers.notice import Notice, Send, bearer
from controllers.notification.outgoing import Refused, Request, json_request

API = "https://slack.com/api/chat.postMessage"


async def notify(notice: Notice, send: Send) -> None:
    """The API says in its body whether it worked. Raises Refused when it did not."""
    (request,) = render(notice)
    answer = await send(request)
    if request.url == API:
        found = answer.json()
        if not isinstance(found, dict) or found.get("ok") is not True:
            error = found.get("error") if isinstance(found, dict) else found
            raise Refused(f"Slack responded with error: {error}")


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    payload = _payload(
        notice,
        channel=notice.channel,
        username=notice.credentials.username or event.controller,
        fallback=f"{event.object_name}: {event.message.partition(chr(10))[0]}",
        colors=("good", "danger"),
    )
    yield json_request(notice.require_address(), payload, bearer(notice.token) if notice.token else {})


def render_rocket(notice: Notice) -> Iterator[Request]:
    payload = _payload(
        notice,
        channel=notice.channel,
        username=notice.credentials.username,
        fallback="",
        colors=("#0076D7", "#FF0000"),
    )
    yield json_request(notice.require_address(), payload)


def render_discord(notice: Notice) -> Iterator[Request]:
    """Discord takes Slack's format at `/slack` of a webhook; the channel belongs to the webhook."""
    payload = _payload(
        notice,
        channel="",
        username=notice.credentials.username or notice.event.controller,
        fallback="",
        colors=("good", "danger"),
    )
    parts = urlsplit(notice.require_address())
    path = parts.path if parts.path.endswith("/slack") else f"{parts.path.rstrip('/')}/slack"
    yield json_request(urlunsplit(parts._replace(path=path)), payload)


def _payload(
    notice: Notice, *, channel: str, username: str, fallback: str, colors: tuple[str, str]
) -> dict[str, Any]:
    event = notice.event
    return {
        "channel": channel,
        "username": username,
        "icon_url": "",
        "icon_emoji": "",
        "attachments": [
            {
                "fallback": fallback,
                "color": colors[1] if event.is_error else colors[0],
                "author_name": event.object_name,
                "text": event.message,
                "mrkdwn_in": ["text"],
                "fields": [{"title": key, "value": value, "short": False} for key, value in notice.metadata],
            }
        ],
    }
