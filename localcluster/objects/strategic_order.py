"""The order of a strategically merged list: patched items as the patch has them, others where they were."""

from __future__ import annotations

from typing import Any


def partition(items: list[Any], listed: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """Splits items into those that `listed` names and the others. `key` is "" for plain values."""
    names = {_name(item, key) for item in listed}
    inside = [item for item in items if _name(item, key) in names]
    outside = [item for item in items if _name(item, key) not in names]
    return inside, outside


def in_order(
    patched: list[Any], others: list[Any], patch_order: list[Any], original: list[Any], key: str
) -> list[Any]:
    """Both kinds of items in one list.

    The patched ones follow `patch_order`, the others `original`. Another item goes in front of a patched
    one only if both were in the original list in that order.
    """
    places = _places(original, key)
    right = _sorted(patched, _places(patch_order, key), key)
    left = _sorted(others, places, key)
    merged: list[Any] = []
    at = 0
    for item in right:
        place = places.get(_name(item, key))
        while place is not None and at < len(left):
            mine = places.get(_name(left[at], key))
            if mine is None or mine >= place:
                break
            merged.append(left[at])
            at += 1
        merged.append(item)
    return merged + left[at:]


def _sorted(items: list[Any], places: dict[Any, int], key: str) -> list[Any]:
    return sorted(items, key=lambda item: places.get(_name(item, key), len(places)))


def _places(items: list[Any], key: str) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for at, item in enumerate(items):
        found.setdefault(_name(item, key), at)
    return found


def _name(item: Any, key: str) -> Any:
    value = item.get(key) if key and isinstance(item, dict) else item
    return repr(value) if isinstance(value, dict | list) else (type(value) is bool, value)
