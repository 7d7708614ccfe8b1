"""Any webhook: the event as it came, signed where a key is given (specs/notification.md 10.1)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import orjson

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Refused, Request


def render(notice: Notice) -> Iterator[Request]:
    yield _request(notice, {})


def render_signed(notice: Notice) -> Iterator[Request]:
    """The signature covers the bytes that are sent. Raises Refused without a key."""
    if not notice.token:
        raise Refused("HMAC key is empty")
    digest = hmac.new(notice.token.encode(), _body(notice), hashlib.sha256).hexdigest()
    yield _request(notice, {"X-Signature": f"sha256={digest}"})


def _request(notice: Notice, last: dict[str, str]) -> Request:
    """Headers of the secret replace ours, whatever their case; the signature cannot be replaced."""
    headers = {"Content-Type": "application/json", "Gotk-Component": notice.event.controller}
    for given in (notice.credentials.headers, last):
        for name, value in given.items():
            headers = {key: kept for key, kept in headers.items() if key.lower() != name.lower()}
            headers[name] = value
    return Request(notice.require_address(), _body(notice), headers=headers)


def _body(notice: Notice) -> bytes:
    return orjson.dumps(notice.event.render())
