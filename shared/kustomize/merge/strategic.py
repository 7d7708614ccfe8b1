"""Strategic merge patches by kustomize's rules.

They differ from the API server's: without a schema lists are replaced; items that a patch adds
come first; `$patch` directives are `delete`, `replace` and `merge`; a `key:` without a value
disappears from a mapping that is patched, while a written null stays.
"""

from typing import Any

from shared.kustomize.errors import PatchFailed
from shared.kustomize.merge import lists
from shared.kustomize.merge.schema import Node
from shared.kustomize.resource import copied
from shared.logic.go_spelling import Blank

DIRECTIVE = "$patch"
# What a field becomes that a patch removes, and what a field is that is not there.
ABSENT: Any = object()


def merge(target: dict[str, Any], patch: dict[str, Any], schema: Node | None) -> dict[str, Any]:
    """The object with the patch applied; empty if the patch deletes it. May change `target`.

    Raises PatchFailed where the patch has a mapping, list or scalar and the object another.
    """
    _drop_blanks(target, schema)
    result = _merged(target, patch, schema, "")
    return result if isinstance(result, dict) else {}


def is_null(value: Any) -> bool:
    return value is None or value is ABSENT or isinstance(value, Blank)


def _merged(target: Any, patch: Any, schema: Node | None, path: str) -> Any:
    if patch is ABSENT:
        return target
    shape = _shape(patch if is_null(target) else target)
    if not is_null(target) and not is_null(patch) and _shape(patch) is not shape:
        raise PatchFailed(
            f"{path or 'the patch'}: wrong kind of value: {_named(patch)} over {_named(target)}"
        )
    if shape is list:
        return _merged_list(target, patch, schema, path)
    if shape is dict:
        return _merged_mapping(target, patch, schema, path)
    return ABSENT if is_null(patch) else patch


def _merged_mapping(target: Any, patch: Any, schema: Node | None, path: str) -> Any:
    if is_null(patch):
        return ABSENT
    directive = _directive(patch, path)
    if directive == "delete":
        return ABSENT
    if is_null(target) or directive == "replace":
        return adopted(patch, schema, path)
    for key, value in patch.items():
        if key == DIRECTIVE:
            continue
        below = schema.field(key) if schema is not None else None
        result = _merged(target.get(key, ABSENT), value, below, f"{path}.{key}" if path else key)
        if is_null(result):
            target.pop(key, None)
        else:
            target[key] = result
    return target


def _merged_list(target: Any, patch: Any, schema: Node | None, path: str) -> Any:
    keys = schema.merge_keys() if schema is not None else None
    if keys is None:
        return ABSENT if is_null(patch) else copied(patch)
    if is_null(patch):
        return ABSENT
    directive, patch = _list_directive(patch, path)
    if directive == "delete":
        return ABSENT
    if directive == "replace":
        return _merged_list(None, patch, schema, path)
    below = schema.items() if schema is not None else None
    patch = copied(patch)
    if is_null(target):
        target = patch

    def merge_items(mine: Any, theirs: Any) -> Any:
        if mine is not theirs:
            return _merged(ABSENT if mine is None else mine, theirs, below, path)
        whole = adopted(theirs, below, path)
        if isinstance(whole, dict):
            # The list holds the item already; it is changed where it is.
            theirs.clear()
            theirs.update(whole)
            return theirs
        return whole

    return lists.merged(target, patch, keys, merge_items)


def adopted(patch: Any, schema: Node | None, path: str) -> Any:
    """What a patch adds where nothing was: without nulls, with its directives obeyed."""
    if isinstance(patch, dict):
        if _directive(patch, path) == "delete":
            return ABSENT
        result = {}
        for key, value in patch.items():
            if key == DIRECTIVE or is_null(value):
                continue
            below = schema.field(key) if schema is not None else None
            item = adopted(value, below, f"{path}.{key}" if path else key)
            if item is not ABSENT:
                result[key] = item
        return result
    if isinstance(patch, list):
        return _merged_list(None, patch, schema, path)
    return patch


def _list_directive(patch: list[Any], path: str) -> tuple[str, list[Any]]:
    """What an item that holds nothing but a directive says about its list, and the other items."""
    for item in patch:
        if isinstance(item, dict) and item.keys() == {DIRECTIVE}:
            return _directive(item, path), [other for other in patch if other is not item]
    return "merge", patch


def _directive(patch: dict[str, Any], path: str) -> str:
    directive = patch.get(DIRECTIVE, "merge")
    if directive not in ("merge", "delete", "replace"):
        raise PatchFailed(f"{path or 'the patch'}: unknown patch strategy {directive!r}")
    return str(directive)


def _drop_blanks(value: Any, schema: Node | None) -> None:
    """Remove the fields without a value from mappings, and from items of lists that are merged."""
    if isinstance(value, dict):
        blank = [key for key, item in value.items() if isinstance(item, Blank)]
        for key in blank:
            del value[key]
        for key, item in value.items():
            if isinstance(item, dict | list):
                _drop_blanks(item, schema.field(key) if schema is not None else None)
    elif schema is not None and schema.merge_keys():
        below = schema.items()
        for item in value:
            if isinstance(item, dict):
                _drop_blanks(item, below)


def _shape(value: Any) -> type:
    return dict if isinstance(value, dict) else list if isinstance(value, list) else str


def _named(value: Any) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a scalar"
