"""An event as controllers post it: reading, cleaning, and what makes two of them the same.

Follows specs/notification.md 6.1 (wire format) and 7 (clean-up and rate-limit key).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from shared.logic.conditions import cut
from shared.model.event import MAX_MESSAGE

EVENT_GROUP = "event.toolkit.fluxcd.io"
INFO, ERROR = "info", "error"

_NEVER = "0001-01-01T00:00:00Z"
_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
# What is kept of a queue of events must fit into memory.
_MAX_METADATA = 64 * 1024


class InvalidEvent(ValueError):
    """The body is no event."""


@dataclass(frozen=True, slots=True)
class Event:
    """`involved` is a core ObjectReference without empty fields; `timestamp` is RFC 3339."""

    involved: Mapping[str, str]
    severity: str
    timestamp: str
    message: str
    reason: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    controller: str = ""
    instance: str = ""

    @property
    def kind(self) -> str:
        return self.involved.get("kind", "")

    @property
    def namespace(self) -> str:
        return self.involved.get("namespace", "")

    @property
    def name(self) -> str:
        return self.involved.get("name", "")

    @property
    def uid(self) -> str:
        return self.involved.get("uid", "")

    @property
    def group(self) -> str:
        """Of the involved object's API; empty for the core group."""
        return self.involved.get("apiVersion", "").rpartition("/")[0]

    @property
    def is_error(self) -> bool:
        return self.severity == ERROR

    @property
    def object_name(self) -> str:
        """`kustomization/apps.flux-system`, as most platforms show it."""
        return f"{self.kind.lower()}/{self.name}.{self.namespace}"

    @property
    def object_path(self) -> str:
        """`Kustomization/flux-system/apps`, as messages of this controller show it."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def moment(self) -> datetime:
        return _moment(self.timestamp)

    @property
    def size(self) -> int:
        """About how much memory it takes, in characters."""
        return len(self.message) + sum(len(key) + len(value) for key, value in self.metadata.items())

    def own(self, key: str) -> str:
        """A metadata value of the object's own group, before groups are removed."""
        return self.metadata.get(f"{self.group}/{key}", "")

    def annotated(self, key: str) -> str:
        """A metadata value that a user annotated the object with, before groups are removed."""
        return self.metadata.get(f"{EVENT_GROUP}/{key}", "")

    def with_metadata(self, metadata: Mapping[str, str]) -> Event:
        return replace(self, metadata=dict(metadata))

    def render(self) -> dict[str, Any]:
        """The wire format; empty optional fields are left out."""
        raw: dict[str, Any] = {
            "involvedObject": dict(self.involved),
            "severity": self.severity,
            "timestamp": self.timestamp,
            "message": self.message,
            "reason": self.reason,
        }
        if self.metadata:
            raw["metadata"] = dict(self.metadata)
        raw["reportingController"] = self.controller
        if self.instance:
            raw["reportingInstance"] = self.instance
        return raw


def parse_event(body: bytes) -> Event:
    """Read one event. Raises InvalidEvent."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidEvent("the body is not JSON") from error
    if not isinstance(raw, dict):
        raise InvalidEvent("the body is not a JSON object")
    involved, metadata = ({} if raw.get(key) is None else raw[key] for key in ("involvedObject", "metadata"))
    if not isinstance(involved, dict) or not isinstance(metadata, dict):
        raise InvalidEvent("involvedObject and metadata must be objects")
    timestamp = _text(raw, "timestamp") or _NEVER
    try:
        _moment(timestamp)
    except ValueError as error:
        raise InvalidEvent("timestamp is not RFC 3339") from error
    return Event(
        involved={key: value for key in _REFERENCE if (value := _text(involved, key))},
        severity=_text(raw, "severity"),
        timestamp=timestamp,
        message=cut(_text(raw, "message"), MAX_MESSAGE),
        reason=_text(raw, "reason"),
        metadata={key: _text(metadata, key) for key in metadata},
        controller=_text(raw, "reportingController"),
        instance=_text(raw, "reportingInstance"),
    )


def clean(event: Event) -> Event:
    """Keep the metadata of the object's and the users' group. Raises InvalidEvent when it is huge."""
    own = f"{event.group}/"
    dropped = {f"{own}checksum".lower(), f"{own}digest".lower()}
    kept = {
        key: value
        for key, value in event.metadata.items()
        if key.startswith((f"{EVENT_GROUP}/", own)) and key.lower() not in dropped
    }
    if sum(len(key) + len(value) for key, value in kept.items()) > _MAX_METADATA:
        raise InvalidEvent("metadata is too large")
    return event.with_metadata(kept)


def rate_key(event: Event) -> bytes:
    """Equal for events that say the same of the same object; severity and reason do not count."""
    parts = [
        "event",
        f"name={event.name}",
        f"namespace={event.namespace}",
        f"kind={event.kind}",
        f"message={event.message}",
    ]
    parts += [
        f"{key}={event.own(key)}"
        for key in ("originRevision", "revision", "token")
        if f"{event.group}/{key}" in event.metadata
    ]
    return hashlib.sha256("/".join(parts).encode()).digest()


def without_token(event: Event) -> Event:
    """The salt has done its work once the rate limiter has seen it."""
    salt = f"{event.group}/token"
    return event.with_metadata({key: value for key, value in event.metadata.items() if key != salt})


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidEvent(f"{key[:64]} is not text")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
