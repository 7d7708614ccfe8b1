"""Conditions as the built-in controllers keep them."""

from __future__ import annotations

from localcluster.clock import stamp
from localcluster.store.revision import Obj


def find(conditions: list[Obj], kind: str) -> Obj | None:
    return next((each for each in conditions if each["type"] == kind), None)


def is_true(obj: Obj, kind: str) -> bool:
    found = find((obj.get("status") or {}).get("conditions") or [], kind)
    return found is not None and found["status"] == "True"


def put(conditions: list[Obj], wanted: Obj) -> None:
    """Set a condition; its lastTransitionTime moves only with its status."""
    before = find(conditions, wanted["type"])
    moved = before is None or before["status"] != wanted["status"]
    since = stamp() if before is None or moved else before["lastTransitionTime"]
    wanted = {**wanted, "lastTransitionTime": since}
    if before is None:
        conditions.append(wanted)
    else:
        conditions[conditions.index(before)] = wanted


def drop(conditions: list[Obj], kind: str) -> None:
    conditions[:] = [each for each in conditions if each["type"] != kind]


def without_empty(status: Obj) -> Obj:
    """A status as Go writes it: fields that are zero and marked `omitempty` left out."""
    return {key: value for key, value in status.items() if value not in (0, "", None, [], {})}
