"""Who suspended an object, why and until when: annotations beside `spec.suspend`, which Flux leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

PREFIX = "headwater.dev/suspend-"
REASON = f"{PREFIX}reason"
UNTIL = f"{PREFIX}until"
SINCE = f"{PREFIX}since"
ALL = (REASON, UNTIL, SINCE)


def annotations_for(reason: str, lasting: timedelta | None, now: datetime) -> dict[str, str | None]:
    """What to write; an annotation of an earlier pause that no longer holds is None, which removes it."""
    if not reason and lasting is None:
        return dict.fromkeys(ALL)
    until = None if lasting is None else _stamp(now + lasting)
    return {REASON: reason or None, UNTIL: until, SINCE: _stamp(now)}


def pause_of(obj: Mapping[str, Any]) -> str:
    """`reason, until 2026-01-02T03:04:05Z`; empty where nobody said."""
    known = (obj.get("metadata") or {}).get("annotations") or {}
    reason, until = str(known.get(REASON) or ""), str(known.get(UNTIL) or "")
    return ", ".join(part for part in (reason, f"until {until}" if until else "") if part)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
