"""Strategic merge patch: maps merge, lists merge by the key or value that the schema declares.

Directives: `$patch` (replace, delete, merge), `$retainKeys`, `$setElementOrder/<list>`,
`$deleteFromPrimitiveList/<list>`. Changes none of its arguments.
"""

from __future__ import annotations

from typing import Any

from localcluster.objects.errors import BadRequest, InternalError
from localcluster.objects.schema import Schema
from localcluster.objects.strategic_order import in_order, partition
from localcluster.objects.typed import same

Json = dict[str, Any]

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def strategic_merge(document: Json, patch: Any, schema: Schema) -> Json:
    """`document` with a strategic merge patch applied.

    BadRequest for a malformed patch, InternalError (as in the genuine server) for an unknown
    directive, a list
    item without its merge key, or a list of a type that does not merge.
    """
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a strategic merge patch must be an object")
    return _merge_maps(document, patch, schema)


def _merge_maps(original: Json, patch: Json, schema: Schema | None) -> Json:
    if _PATCH in patch:
        return _directive(patch)
    merged = _retained(original, patch)
    rest = {key: value for key, value in patch.items() if key != _RETAIN}
    for key in [key for key in rest if key.startswith(_ORDER)]:
        _merge_ordered(merged, rest, key, schema)
    for key, value in rest.items():
        _merge_field(merged, key, value, schema)
    return merged


def _directive(patch: Json) -> Json:
    match patch[_PATCH]:
        case "replace":
            return {key: value for key, value in patch.items() if key != _PATCH}
        case "delete":
            return {}
    raise InternalError(f"unknown patch type: {patch[_PATCH]} in map: {patch}")


def _retained(original: Json, patch: Json) -> Json:
    """The original, without the keys that `$retainKeys` does not list."""
    if _RETAIN not in patch:
        return dict(original)
    keys = patch[_RETAIN]
    if not isinstance(keys, list):
        raise BadRequest("invalid patch format of retainKeys")
    for key, value in patch.items():
        if value is not None and not key.startswith("$") and key not in keys:
            raise BadRequest("invalid patch format of retainKeys")
    return {key: value for key, value in original.items() if key in keys}


def _field(schema: Schema | None, key: str) -> Schema | None:
    return None if schema is None else schema.fields.get(key, schema.element)


def _merge_field(merged: Json, key: str, value: Any, schema: Schema | None) -> None:
    deleting = key.startswith(_DELETE)
    key = key.removeprefix(_DELETE)
    if value is None:
        merged.pop(key, None)
        return
    if key not in merged or type(merged[key]) is not type(value):
        if not deleting:
            _take(merged, key, value)
        return
    field = _field(schema, key)
    mine = merged[key]
    if isinstance(value, dict):
        replace = field is not None and "replace" in field.patch_strategies
        merged[key] = value if replace else _merge_maps(mine, value, field)
    elif isinstance(value, list):
        merged[key] = _delete_values(mine, value) if deleting else _merge_lists(mine, value, field)
    else:
        merged[key] = value


def _take(merged: Json, key: str, value: Any) -> None:
    """A value that the original does not have: as it is, without nulls and directives."""
    plain = _plain(value)
    if plain is _NOTHING:
        merged.pop(key, None)
    else:
        merged[key] = plain


_NOTHING = object()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_PATCH) == "delete":
            return _NOTHING
        kept = {}
        for key, below in value.items():
            if below is None or key in {_PATCH, _RETAIN} or key.startswith((_ORDER, _DELETE)):
                continue
            if (plain := _plain(below)) is not _NOTHING:
                kept[key] = plain
        return kept
    if isinstance(value, list):
        return [
            plain for item in value if (plain := _plain(item)) is not _NOTHING and item != {_PATCH: "replace"}
        ]
    return value


def _delete_values(original: list[Any], values: list[Any]) -> list[Any]:
    return [item for item in original if not any(same(item, value) for value in values)]


def _merge_lists(original: list[Any], patch: list[Any], field: Schema | None) -> list[Any]:
    if field is None or "merge" not in field.patch_strategies:
        return patch
    if not original and not patch:
        return original
    if any(isinstance(item, list) for item in (*original, *patch)):
        raise InternalError("lists of lists are not supported")
    if not any(isinstance(item, dict) for item in (*original, *patch)):
        merged = list(original)
        merged += [item for at, item in enumerate(patch) if item not in original and item not in patch[:at]]
        inside, outside = partition(merged, patch, "")
        return in_order(inside, outside, patch, original, "")
    key = field.merge_key
    if not key:
        raise InternalError("cannot merge lists without merge key")
    left, wanted = _list_directives(original, patch, key)
    merged = _merge_items(left, wanted, field)
    inside, outside = partition(merged, wanted, key)
    return in_order(inside, outside, wanted, left, key)


def _list_directives(original: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """Carries out `$patch` items: what is left of the original, and the items that are to be merged."""
    left = list(original)
    wanted: list[Any] = []
    replace = False
    for item in patch:
        if not isinstance(item, dict):
            raise InternalError(f"expected a map, got {item}")
        match item.get(_PATCH):
            case None:
                wanted.append(item)
            case "delete":
                name = _key_of(item, key)
                left = [one for one in left if not (isinstance(one, dict) and same(one.get(key), name))]
            case "replace":
                replace = True
            case "merge":
                raise InternalError("merging lists cannot yet be specified in the patch")
            case other:
                raise InternalError(f"unknown patch type: {other} in map: {item}")
    return (wanted, []) if replace else (left, wanted)


def _key_of(item: Json, key: str) -> Any:
    if key not in item:
        raise InternalError(f"map: {item} does not contain declared merge key: {key}")
    return item[key]


def _merge_items(left: list[Any], wanted: list[Any], field: Schema) -> list[Any]:
    merged = list(left)
    key = field.merge_key
    places: dict[Any, int] = {}
    for at, item in enumerate(merged):
        if isinstance(item, dict):
            places.setdefault(_hashable(item.get(key)), at)
    for item in wanted:
        name = _hashable(_key_of(item, key))
        place = places.get(name)
        if place is None:
            places[name] = len(merged)
            merged.append(_plain(item))
        else:
            merged[place] = _merge_maps(merged[place], item, field.element)
    return merged


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, dict | list) else value


def _merge_ordered(merged: Json, rest: Json, directive: str, schema: Schema | None) -> None:
    """Merges the list that a `$setElementOrder` speaks of, and puts it in that order."""
    order = rest.pop(directive)
    key = directive.removeprefix(_ORDER)
    if not isinstance(order, list):
        raise BadRequest("invalid patch format of setElementOrder list")
    field = _field(schema, key)
    patch, original = rest.pop(key, None), merged.get(key)
    merge_key = field.merge_key if field is not None else ""
    _check_order(patch or [], order, merge_key)
    if original is None and patch is None:
        return
    if original is None:
        result = _plain(patch)
    else:
        result = original if patch is None else _merge_lists(original, patch, field)
    inside, outside = partition(result, order, merge_key)
    merged[key] = in_order(inside, outside, order, original or [], merge_key)


def _check_order(patch: list[Any], order: list[Any], key: str) -> None:
    """Every item of the patch must be in the order, and in that order."""
    names = [item.get(key) if key and isinstance(item, dict) else item for item in order]
    at = 0
    for item in patch:
        if isinstance(item, dict) and item.get(_PATCH) is not None:
            continue
        name = item.get(key) if key and isinstance(item, dict) else item
        while at < len(names) and not same(names[at], name):
            at += 1
        if at == len(names):
            raise BadRequest("invalid patch format of setElementOrder list")
