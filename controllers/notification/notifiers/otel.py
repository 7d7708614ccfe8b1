"""OpenTelemetry: a span for each event, over OTLP/HTTP in protobuf (10.21).

Field numbers are those of opentelemetry/proto/trace/v1/trace.proto. All events of one revision that an
alert passes on share a trace.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from controllers.notification.notifiers.notice import Notice
from controllers.notification.notifiers.protobuf import fixed64, message
from controllers.notification.outgoing import Request

_SCOPE = "flux:notification-controller"
_INTERNAL = 1
_OK, _ERROR = 1, 2


def render(notice: Notice) -> Iterator[Request]:
    if notice.event.kind == "HelmRepository":
        return
    parts = urlsplit(notice.require_address())
    url = urlunsplit(parts._replace(path=parts.path.rstrip("/") or "/v1/traces"))
    headers = {"Content-Type": "application/x-protobuf"}
    given = dict(notice.credentials.headers)
    if not any(name.lower() == "authorization" for name in given):
        headers |= notice.authorization()
    yield Request(url, traces(notice, time.time_ns()), headers=headers | given)


def trace_id(alert_uid: str, metadata: dict[str, str]) -> bytes:
    """16 bytes, the same for all that is told of one revision."""
    version, digest = metadata.get("app-version"), metadata.get("oci-digest")
    revision = f"{version}@{digest}" if version and digest else metadata.get("revision") or "unknown"
    return hashlib.sha256(f"{alert_uid}:{revision}".encode()).digest()[:16]


def traces(notice: Notice, now: int) -> bytes:
    """An ExportTraceServiceRequest; `now` in nanoseconds of the epoch, when the span ends."""
    alert = notice.alert
    resource = _attributes(
        {
            "service.name": f"{alert.namespace}/{alert.name}",
            "service.namespace": alert.namespace,
            "service.instance.id": alert.uid,
        }
    )
    scope_spans = message((1, message((1, _SCOPE))), (2, _span(notice, now)))
    return message((1, message((1, resource), (2, scope_spans))))


def _span(notice: Notice, now: int) -> bytes:
    event = notice.event
    trace = trace_id(notice.alert.uid, dict(notice.metadata))
    span = hashlib.sha256(trace + event.message.encode() + event.timestamp.encode()).digest()[:8]
    started = max(int(event.moment.timestamp()), 0) * 1_000_000_000
    described = {
        "object.uid": event.uid,
        "object.kind": event.kind,
        "object.name": event.name,
        "object.namespace": event.namespace,
    } | dict(notice.metadata)
    status = message((2, event.message), (3, _ERROR)) if event.is_error else message((3, _OK))
    return (
        message((1, trace), (2, span), (5, f"{event.kind}: {event.namespace}/{event.name}"), (6, _INTERNAL))
        + fixed64(7, started)
        + fixed64(8, max(now, started))
        + b"".join(message((9, _pair(key, value))) for key, value in described.items())
        + message((15, status))
    )


def _attributes(values: dict[str, str]) -> bytes:
    return b"".join(message((1, _pair(key, value))) for key, value in values.items())


def _pair(key: str, value: str) -> bytes:
    return message((1, key), (2, message((1, value))))
