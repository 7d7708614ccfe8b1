"""JSON merge patch (RFC 7396): what to send so that `before` becomes `after`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest merge patch; empty when nothing differs. Lists are replaced whole."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, new in after.items():
        old = before.get(key)
        if key in before and _equal(old, new):
            continue
        both_maps = isinstance(old, dict) and isinstance(new, dict)
        patch[key] = merge_diff(old, new) if both_maps else new  # type: ignore[arg-type]
    return patch


def _equal(old: object, new: object) -> bool:
    # True == 1 in Python but not in JSON.
    return type(old) is type(new) and old == new
