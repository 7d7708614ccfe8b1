"""Client-side apply: what an object should become, given what was asked before (specs/helm.md 11.1 SSA off).

What was in the old manifest and is not in the new one goes; what others set stays. Lists whose items
have a key are merged by it, as the published schemas of the built-in kinds say; others are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.kustomize.merge.schema import BuiltInSchema, Node
from shared.model.meta import Object


def merged(before: Mapping[str, Any], after: Mapping[str, Any], live: Mapping[str, Any]) -> Object:
    """The live object as it should be. `before` is the old manifest's object, `{}` where it is adopted."""
    schema = BuiltInSchema().of(str(after.get("apiVersion", "")), str(after.get("kind", "")))
    return _mapping(before, after, live, schema)


def _mapping(
    before: Mapping[str, Any], after: Mapping[str, Any], live: Mapping[str, Any], schema: Node | None
) -> Object:
    result = {key: value for key, value in live.items() if key in after or key not in before}
    for key, wanted in after.items():
        if wanted is None:
            result.pop(key, None)
            continue
        below = schema.field(key) if schema is not None else None
        result[key] = _value(before.get(key), wanted, live.get(key), below)
    return result


def _value(before: Any, after: Any, live: Any, schema: Node | None) -> Any:
    if isinstance(after, dict) and isinstance(live, dict):
        return _mapping(before if isinstance(before, dict) else {}, after, live, schema)
    if isinstance(after, list) and isinstance(live, list) and schema is not None:
        keys = schema.merge_keys()
        if keys is not None:
            old = before if isinstance(before, list) else []
            return _items(old, after, live, schema) if keys else _scalars(old, after, live)
    return after


def _scalars(before: Sequence[Any], after: Sequence[Any], live: Sequence[Any]) -> list[Any]:
    """A set, such as finalizers."""
    others = [item for item in live if item not in after and item not in before]
    return [*after, *others]


def _items(before: Sequence[Any], after: Sequence[Any], live: Sequence[Any], schema: Node) -> list[Any]:
    keys = schema.merge_keys() or ()
    below = schema.items()
    result = []
    for wanted in after:
        old, now = _find(before, wanted, keys), _find(live, wanted, keys)
        result.append(wanted if now is None else _value(old, wanted, now, below))
    others = [item for item in live if _find(after, item, keys) is None and _find(before, item, keys) is None]
    return [*result, *others]


def _find(items: Sequence[Any], like: Any, keys: tuple[str, ...]) -> Any:
    """The item that has the same keys; a key that one of them leaves out has been defaulted."""
    return next((item for item in items if _agree(item, like, keys)), None)


def _agree(one: Any, other: Any, keys: tuple[str, ...]) -> bool:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return bool(one == other)
    shared = [key for key in keys if key in one and key in other]
    return keys[0] in shared and all(one[key] == other[key] for key in shared)
