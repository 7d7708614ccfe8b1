"""Matrix: a message to a room; the same event is the same transaction, so repeating is harmless (10.13)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import orjson

from controllers.notification.notifiers.notice import Notice, bearer
from controllers.notification.outgoing import Request


def render(notice: Notice) -> Iterator[Request]:
    event = notice.event
    # The digest names, it does not protect.
    transaction = hashlib.sha1(orjson.dumps(event.render()), usedforsecurity=False).hexdigest()
    mark = "🚨" if event.is_error else "💫"
    pairs = "".join(f"- {key}: {value}\n" for key, value in notice.metadata)
    payload = {"body": f"{mark} {event.object_name}\n{event.message}\n{pairs}", "msgtype": "m.text"}
    room = notice.require_channel()
    yield Request(
        f"{notice.require_address()}/_matrix/client/r0/rooms/{room}/send/m.room.message/{transaction}",
        orjson.dumps(payload),
        method="PUT",
        headers={"Content-Type": "application/json", **bearer(notice.require_token())},
    )
