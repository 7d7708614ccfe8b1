"""Waiting for a controller: until a request is handled, or until an object is ready (specs/cli.md 2.4, 4).

The decisions are functions of one object; the loops around them ask the server ever less often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cli.families import Family, condition
from cli.session import Session
from shared.logic.kstatus.compute import assess
from shared.logic.kstatus.health import Health
from shared.model.meta import READY, RECONCILING, Object, ObjectKey, Reason

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class NotReconciled(Exception):
    """The attempt has failed; the message is the object's own."""


def handled(obj: Mapping[str, Any]) -> str:
    """The token of the last request that a controller has answered."""
    return str((obj.get("status") or {}).get("lastHandledReconcileAt") or "")


def is_answered(obj: Mapping[str, Any], before: str) -> bool:
    """Is the request done, and well? Raises NotReconciled when the attempt has ended otherwise.

    The controller goes on trying after a failure, but what was asked for has then been tried; only an
    object that waits for its dependencies has not been.
    """
    return handled(obj) != before and is_settled(obj)


def is_settled(obj: Mapping[str, Any]) -> bool:
    """Is the object Ready for its present spec? False while work is under way. Raises NotReconciled."""
    found = assess(obj, datetime.now(UTC))
    ready = condition(obj, READY)
    if found.health is Health.CURRENT:
        if ready is None:
            raise NotReconciled("status can't be determined")
        return True
    if found.health is not Health.IN_PROGRESS:
        raise NotReconciled(found.message)
    if ready is not None and ready.get("status") == "False" and _attempt_is_over(obj, ready):
        raise NotReconciled(str(ready.get("message") or found.message))
    return False


def _attempt_is_over(obj: Mapping[str, Any], ready: Mapping[str, Any]) -> bool:
    if ready.get("reason") == Reason.DEPENDENCY_NOT_READY:
        return False
    generation = obj["metadata"].get("generation")
    if ready.get("observedGeneration") not in (None, 0, generation):
        return False
    reconciling = condition(obj, RECONCILING)
    return reconciling is None or reconciling.get("reason") == Reason.PROGRESSING_WITH_RETRY


def is_ready(obj: Mapping[str, Any]) -> bool:
    """As `is_settled`, for an object that its controller may not have seen yet."""
    status, ready = obj.get("status") or {}, condition(obj, READY)
    if (status.get("observedGeneration") or 0) < 1 or ready is None:
        return False
    observed = ready.get("observedGeneration") or status.get("observedGeneration")
    return observed == obj["metadata"].get("generation") and is_settled(obj)


async def until(
    session: Session, family: Family, key: ObjectKey, holds: Callable[[Mapping[str, Any]], bool]
) -> Object:
    """The object once it holds. Raises NotReconciled and KubeError; the session's time is the limit."""
    pause = _FIRST_PAUSE
    while True:
        obj = await session.client.get(family.resource, key.namespace, key.name)
        if holds(obj):
            return obj
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
