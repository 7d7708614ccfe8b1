"""Merge two lists whose items are told apart by the values of their keys, as kyaml does.

Items of the patch come first, in the patch's order; then what else the object had. Lists whose
items all have their one key, each another value, are merged in one pass. The rest (several keys,
repeated or missing ones) follows kyaml step by step, because its results there follow from the
steps and from no rule: an item that lacks a key can displace those that have it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from shared.kustomize.errors import LimitExceeded
from shared.logic.go_spelling import Blank, scalar_text

# Merges an item of the object (or None) with one of the patch (or None), changing the former; a null
# result deletes.
MergeItems = Callable[[Any, Any], Any]
Values = tuple[str, ...]

# Step by step means comparing each with each.
_MAX_COMPARED = 1000


def merged(target: list[Any], patch: list[Any], keys: tuple[str, ...], merge_items: MergeItems) -> list[Any]:
    """The merged list. `keys` is () for a list of scalars, whose union it is then."""
    if not keys:
        return _union(patch, target)
    if len(keys) == 1:
        mine, theirs = _indexed(target, keys[0]), _indexed(patch, keys[0])
        if mine is not None and theirs is not None:
            return _by_one_key(mine, theirs, merge_items)
    if len(target) + len(patch) > _MAX_COMPARED:
        raise LimitExceeded(f"a merged list of more than {_MAX_COMPARED} items without distinct keys")
    return _step_by_step(target, patch, keys, merge_items)


def _union(first: list[Any], second: list[Any]) -> list[Any]:
    seen: dict[str, Any] = {}
    for item in [*first, *second]:
        seen.setdefault(_text(item), item)
    return list(seen.values())


def _indexed(items: list[Any], key: str) -> dict[str, Any] | None:
    """The items by the value of their key; None if one lacks it or two share it."""
    found: dict[str, Any] = {}
    for item in items:
        value = _text(item.get(key)) if isinstance(item, dict) else ""
        if not value or value in found:
            return None
        found[value] = item
    return found


def _by_one_key(mine: dict[str, Any], theirs: dict[str, Any], merge_items: MergeItems) -> list[Any]:
    result = []
    for value, item in theirs.items():
        own = mine.get(value)
        joined = merge_items(own, item)
        if isinstance(joined, dict) and joined:
            # What replaces an item of the object is not kept by kyaml: the item itself returns.
            result.append(joined if own is None else own)
    for value, item in mine.items():
        if value not in theirs:
            merge_items(item, None)  # changes it where it is
            result.append(item)
    return result


def _step_by_step(
    target: list[Any], patch: list[Any], keys: tuple[str, ...], merge_items: MergeItems
) -> list[Any]:
    wanted: list[Values] = []
    for item in [*patch, *target]:
        values = tuple(_text(item.get(key)) if isinstance(item, dict) else "" for key in keys)
        if values not in wanted:
            wanted.append(values)
    if len(keys) > 1:
        _complete(wanted)
    used = tuple(key for index, key in enumerate(keys) if any(values[index] for values in wanted)) or keys
    added: list[Any] = []
    for values in wanted:
        named = [value for key, value in zip(keys, values, strict=True) if key in used]
        mine, theirs = _first(target, used, named), _first(patch, used, named)
        item = merge_items(mine, theirs)
        if not isinstance(item, dict) or not item:
            _place(target, None, used, named)
            continue
        for key, value in zip(used, named, strict=True):
            if value:
                item.setdefault(key, value)
        _place(added, item, used, named)
    return _followed_by(added, target, used) if wanted else target


def _complete(wanted: list[Values]) -> None:
    """Where two differ only in what one of them lacks, both become the fuller one."""
    for i in range(len(wanted)):
        first = wanted[i]  # compared as it was, whatever it becomes meanwhile
        for j in range(len(wanted)):
            joined = _joined(first, wanted[j])
            if joined is not None:
                wanted[i] = wanted[j] = joined


def _joined(first: Values, second: Values) -> Values | None:
    if not any(a == b for a, b in zip(first, second, strict=True)):
        return None
    if any(a and b and a != b for a, b in zip(first, second, strict=True)):
        return None
    return tuple(a or b for a, b in zip(first, second, strict=True))


def _first(items: list[Any], keys: Sequence[str], values: Sequence[str]) -> Any:
    """The first item with these values; keys without a value do not count, unless all lack one."""
    given = [(key, value) for key, value in zip(keys, values, strict=True) if value]
    given = given or list(zip(keys, values, strict=True))
    for item in items:
        if isinstance(item, dict) and all(key in item and _text(item[key]) == value for key, value in given):
            return item
    return None


def _place(items: list[Any], element: Any, keys: Sequence[str], values: Sequence[str]) -> None:
    """Put the element where items match, else at the end; without an element, remove the matching."""
    kept = []
    placed = False
    for item in items:
        if item is None or isinstance(item, Blank) or item == {}:
            continue
        if not _agrees(item, keys, values):
            if values:
                kept.append(item)
            continue
        placed = True
        if element is not None:
            kept.append(element)
    items[:] = kept
    if element is not None and not placed:
        items.append(element)


def _agrees(item: Any, keys: Sequence[str], values: Sequence[str]) -> bool:
    """Whether the item has every key that a value is given for; an empty value matches any."""
    if not isinstance(item, dict) or not values:
        return False
    pairs = zip(keys, values, strict=False)
    return all(key in item and (not value or _text(item[key]) == value) for key, value in pairs)


def _followed_by(added: list[Any], rest: list[Any], keys: Sequence[str]) -> list[Any]:
    for item in rest:
        values = []
        for key in keys:
            if isinstance(item, dict) and key in item:
                values.append(_text(item[key]))
            else:
                added.append(item)
        if len(keys) > 1:
            _place(added, None, keys, values)
        _place(added, item, keys, values)
    return added


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else scalar_text(value)
