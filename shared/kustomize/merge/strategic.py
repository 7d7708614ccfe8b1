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
    if _directive(patch, "") == "replace":
        # kustomize looks at what became of the object, and this makes another one beside it.
        return target
    result = _merged(target, patch, schema, "")
    return result if isinstance(result, dict) else {}


def is_null(value: Any) -> bool:
    return value is None or value is ABSENT or isinstance(value, Blank)


def _merged(target: Any, patch: Any, schema: Node | None, path: str) -> Any:
    if patch is ABSENT:
        return _settled(target, schema)
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
    for key in [*target, *(key for key in patch if key not in target)]:
        if key == DIRECTIVE:
            continue
        below = schema.field(key) if schema is not None else None
        value = patch.get(key, ABSENT)
        result = _merged(target.get(key, ABSENT), value, below, f"{path}.{key}" if path else key)
        if result is ABSENT or (value is not ABSENT and is_null(result)):
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
    if not is_null(target):
        directive, patch = _list_directive(patch, path)
        if directive == "delete":
            return ABSENT
        target = target if directive == "merge" else None
    below = schema.items() if schema is not None else None
    patch = copied(patch)
    if is_null(target):
        # What is added is merged with itself, which is not always nothing.
        target = patch

    def merge_items(mine: Any, theirs: Any) -> Any:
        if theirs is None:
            return ABSENT if mine is None else _settled(mine, below)
        if mine is not theirs:
            return _merged(ABSENT if mine is None else mine, theirs, below, path)
        whole = adopted(theirs, below, path)
        theirs.pop(DIRECTIVE, None)  # should the item survive what it asks for, it does so without asking
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
        if schema is not None and schema.merge_keys() is not None:
            directive, patch = _list_directive(patch, path)
            if directive == "delete":
                return ABSENT
        return _merged_list(None, patch, schema, path)
    return patch


def _list_directive(patch: list[Any], path: str) -> tuple[str, list[Any]]:
    """What the first directive says about its list, if it is all that its item holds, and the other items."""
    first = next((item for item in patch if isinstance(item, dict) and DIRECTIVE in item), None)
    if first is None or len(first) > 1:
        return "merge", patch
    directive = _directive(first, path)
    # kyaml takes the directive out by its value, and with it other items that say the same.
    return directive, [
        item for item in patch if not (isinstance(item, dict) and item.get(DIRECTIVE) == directive)
    ]


def _directive(patch: dict[str, Any], path: str) -> str:
    directive = patch.get(DIRECTIVE, "merge")
    if directive not in ("merge", "delete", "replace"):
        raise PatchFailed(f"{path or 'the patch'}: unknown patch strategy {directive!r}")
    return str(directive)


def _settled(value: Any, schema: Node | None) -> Any:
    """What the object has and the patch has not, after kyaml has looked through it.

    Fields without a value are gone, and lists that are merged by several keys, or lack some, may
    have lost items.
    """
    if isinstance(value, Blank):
        return ABSENT
    if isinstance(value, dict):
        for key, item in list(value.items()):
            if not isinstance(item, dict | list | Blank):
                continue
            below = schema.field(key) if schema is not None else None
            result = _settled(item, below)
            if result is ABSENT:
                del value[key]
            else:
                value[key] = result
    elif isinstance(value, list) and schema is not None and (keys := schema.merge_keys()) is not None:
        below = schema.items()
        return lists.merged(value, [], keys, lambda mine, _none: _settled(mine, below) if mine else ABSENT)
    return value


def _shape(value: Any) -> type:
    return dict if isinstance(value, dict) else list if isinstance(value, list) else str


def _named(value: Any) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a scalar"
