"""Reading fields of objects that may hold anything: a wrong type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def field(obj: Any, *path: str) -> Any:
    """The value at the path, or None."""
    for key in path:
        if not isinstance(obj, Mapping):
            return None
        obj = obj.get(key)
    return obj


def integer(obj: Any, *path: str, default: int = 0) -> int:
    value = field(obj, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def text(obj: Any, *path: str) -> str:
    value = field(obj, *path)
    return value if isinstance(value, str) else ""


def objects(obj: Any, *path: str) -> list[Mapping[str, Any]]:
    """The mappings in the list at the path."""
    value = field(obj, *path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def condition(obj: Any, kind: str) -> Mapping[str, Any] | None:
    """The status condition of that type."""
    return next((item for item in objects(obj, "status", "conditions") if item.get("type") == kind), None)


def has_condition(obj: Any, kind: str, status: str = "True") -> bool:
    found = condition(obj, kind)
    return found is not None and found.get("status") == status
