"""Which objects a call is about: CEL over the object's metadata and the body (specs/notification.md 15)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from controllers.notification.receivers.hook import Hook
from shared.logic.cel import Expression, compile_condition
from shared.model.meta import Object
from shared.model.receiver import Receiver


class BadBody(ValueError):
    """The body is said to be JSON and is no JSON object."""


@lru_cache(maxsize=256)
def compile_filter(source: str) -> Expression:
    """`res` is the object's metadata, `req` the body. Raises InvalidExpression."""
    return compile_condition(source, "res", "req")


def request_of(receiver: Receiver, hook: Hook, body: bytes) -> Mapping[str, Any]:
    """What filters know as `req`; empty unless there are filters and JSON. Raises BadBody."""
    wanted = receiver.resource_filter or any(target.filter for target in receiver.targets)
    if not wanted or hook.media_type != "application/json":
        return {}
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadBody("the body is not JSON") from error
    if not isinstance(found, dict):
        raise BadBody("the body is not a JSON object")
    return found


def passes(sources: tuple[str, ...], obj: Object, request: Mapping[str, Any]) -> bool:
    """Whether all expressions hold; empty ones do. Raises EvaluationFailed and InvalidExpression."""
    view = {key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj}
    return all(compile_filter(source).holds({"res": view, "req": request}) for source in sources if source)
