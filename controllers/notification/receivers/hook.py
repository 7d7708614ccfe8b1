"""A webhook call as the checks see it, and the signatures that several platforms share."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}


class Rejected(Exception):
    """The call is not from whom it should be, or makes no sense. The message is for our log alone."""


@dataclass(frozen=True, slots=True)
class Hook:
    """`headers` are found whatever their case; `events` is what the receiver listens to, empty for all."""

    headers: Mapping[str, str]
    body: bytes
    events: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def media_type(self) -> str:
        return self.header("Content-Type").partition(";")[0].strip().lower()

    def require_event(self, name: str) -> None:
        """Raises Rejected when the receiver listens to other events only."""
        found = self.header(name).lower()
        if self.events and found not in {event.lower() for event in self.events}:
            raise Rejected(f"the event {found[:64]!r} is not authorised")


def require_token(secret: Mapping[str, str]) -> str:
    """An empty token would let everybody in. Raises Rejected."""
    token = secret.get("token", "")
    if not token:
        raise Rejected("the secret has no 'token'")
    return token


def check_signature(header: str, body: bytes, token: str) -> None:
    """`<algorithm>=<hex>` over the body as it came, compared in constant time. Raises Rejected."""
    name, separator, text = header.partition("=")
    algorithm = _ALGORITHMS.get(name)
    if not separator or algorithm is None:
        raise Rejected("the signature is missing, or of an unknown algorithm")
    check_digest(text, hmac.new(token.encode(), body, algorithm).digest())


def check_digest(text: str, expected: bytes) -> None:
    """Raises Rejected unless the hex text says the expected bytes."""
    try:
        given = bytes.fromhex(text)
    except ValueError as error:
        raise Rejected("the signature is not hex") from error
    if not hmac.compare_digest(given, expected):
        raise Rejected("the signature is wrong")


def check_secret(given: str, token: str) -> None:
    """Raises Rejected unless both are the same; takes the same time for all of one length."""
    if not hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode()):
        raise Rejected("the token is wrong")


def decode(body: bytes) -> dict[str, Any]:
    """Raises Rejected when it is no JSON object."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejected("the body is not JSON") from error
    if not isinstance(found, dict):
        raise Rejected("the body is not a JSON object")
    return found


def require_shape(value: Mapping[str, Any], shape: Mapping[str, Any]) -> None:
    """Fields that are there must have these types, a nested mapping for objects. Raises Rejected."""
    for name, wanted in shape.items():
        found = value.get(name)
        if found is None:
            continue
        if isinstance(wanted, Mapping):
            if not isinstance(found, dict):
                raise Rejected(f"the field {name!r} is not an object")
            require_shape(found, wanted)
        elif not isinstance(found, wanted):
            raise Rejected(f"the field {name!r} has the wrong type")
