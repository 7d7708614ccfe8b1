"""Sentry: failures as events, the rest as transactions, in an envelope (10.9).

The address is a DSN, `https://<public key>@<host>/<project>`; the channel is the environment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson

from controllers.notification.notifiers.notice import Notice
from controllers.notification.outgoing import Refused, Request

_CLIENT = "headwater/1"


def render(notice: Notice) -> Iterator[Request]:
    parts = urlsplit(notice.require_address())
    path, _, project = parts.path.rstrip("/").rpartition("/")
    if not parts.username or not project:
        raise Refused("the address of a sentry provider is a DSN: https://<key>@<host>/<project>")
    event = notice.event
    identity = hashlib.sha256(orjson.dumps(event.render())).hexdigest()
    item = _failure(notice) if event.is_error else _transaction(notice, identity)
    item |= {"event_id": identity[:32], "platform": "other"}
    if notice.channel:
        item["environment"] = notice.channel
    body = orjson.dumps(item)
    kind = {"type": "event" if event.is_error else "transaction", "length": len(body)}
    lines = [orjson.dumps({"event_id": identity[:32]}), orjson.dumps(kind), body]
    host = parts.netloc.rpartition("@")[2]
    key = f"Sentry sentry_version=7, sentry_client={_CLIENT}, sentry_key={parts.username}"
    yield Request(
        f"{parts.scheme}://{host}{path}/api/{project}/envelope/",
        b"\n".join(lines) + b"\n",
        headers={"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": key},
    )


def _failure(notice: Notice) -> dict[str, Any]:
    event = notice.event
    return {
        "timestamp": event.timestamp,
        "level": "error",
        "server_name": event.controller,
        "transaction": _name(notice),
        "contexts": {"metadata": dict(notice.metadata)},
        "message": event.message,
    }


def _transaction(notice: Notice, identity: str) -> dict[str, Any]:
    event = notice.event
    trace, span, child = identity[32:], identity[:16], identity[16:32]
    tags = {
        "flux_involved_object_kind": event.kind,
        "flux_involved_object_namespace": event.namespace,
        "flux_involved_object_name": event.name,
        "flux_reporting_controller": event.controller,
        "flux_reporting_instance": event.instance,
        "flux_reason": event.reason,
    }
    times = {"start_timestamp": event.timestamp, "timestamp": event.timestamp}
    return {
        "type": "transaction",
        "transaction": _name(notice),
        "message": event.message,
        "tags": tags | dict(notice.metadata),
        "contexts": {"trace": {"trace_id": trace, "span_id": span, "op": "event"}},
        "spans": [{"trace_id": trace, "span_id": child, "parent_span_id": span, "op": "event", **times}],
        **times,
    }


def _name(notice: Notice) -> str:
    event = notice.event
    return f"{event.kind}: {event.namespace}/{event.name}"
