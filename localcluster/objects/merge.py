"""Typed merge, compare and removal, as structured-merge-diff does them.

Nothing here changes its arguments; results share parts with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcluster.objects.fieldset import FieldSet, children, is_member
from localcluster.objects.typed import MISSING, NotTyped, item_element, same

if TYPE_CHECKING:
    from localcluster.objects.schema import Schema

_MEMBER: FieldSet = {}


def merge(live: Any, applied: Any, schema: Schema) -> Any:
    """`applied` laid over `live`: leaves of `applied` win, maps and associative lists merge."""
    if live is MISSING:
        return applied
    if applied is MISSING:
        return live
    if isinstance(applied, dict) and isinstance(live, dict) and not schema.atomic:
        if not applied and not live:
            return applied
        return _merge_maps(live, applied, schema)
    if isinstance(applied, list) and schema.list_type != "atomic":
        items = live if isinstance(live, list) else []
        return _merge_lists(items, applied, schema) if applied or items else applied
    if applied is None and live and _granular(live, schema):
        # Null merges as an empty map or list: nothing is laid over.
        return live
    return applied


def _granular(value: Any, schema: Schema) -> bool:
    if isinstance(value, dict):
        return not schema.atomic
    return isinstance(value, list) and schema.list_type != "atomic"


def _merge_maps(live: dict[str, Any], applied: dict[str, Any], schema: Schema) -> dict[str, Any]:
    fields, element = schema.fields, schema.element
    merged = dict(live)
    for key, value in applied.items():
        mine = merged.get(key, MISSING)
        field = fields.get(key, element)
        if mine is MISSING or field is None or field.shape == "scalar":
            merged[key] = value
        else:
            merged[key] = merge(mine, value, field)
    return merged


def _merge_lists(live: list[Any], applied: list[Any], schema: Schema) -> list[Any]:
    """Keeps the order of both where they agree, that of `applied` where they don't.

    Live items that were not applied keep their place relative to the shared items around them.
    """
    element = schema.element
    right = {item_element(item, schema): item for item in applied}
    if len(right) != len(applied):
        raise NotTyped("duplicate entries in the applied list")
    right_names = list(right)
    left_names = [item_element(item, schema) for item in live]
    left: dict[str, Any] = {}
    for name, item in zip(left_names, live, strict=True):
        # An item that is there more than once is replaced, not merged.
        left[name] = MISSING if name in left else item
    shared = iter([name for name in right_names if name in left])
    next_shared = next(shared, None)
    done: set[str] = set()
    out: list[Any] = []
    at_left = at_right = 0
    while at_left < len(left_names) or at_right < len(right_names):
        if at_left < len(left_names):
            name = left_names[at_left]
            if at_right < len(right_names) and name == right_names[at_right]:
                done.add(name)
                out.append(merge(left[name], right[name], element))  # type: ignore[arg-type] # lists have one
                at_left, at_right = at_left + 1, at_right + 1
                next_shared = next(shared, None)
                continue
            if at_right < len(right_names) and name in right and next_shared not in {None, name}:
                at_left += 1
                continue
            if name not in right:
                out.append(live[at_left])
                at_left += 1
                continue
            if name in done:
                at_left += 1
        if at_right < len(right_names):
            name = right_names[at_right]
            done.add(name)
            out.append(merge(left.get(name, MISSING), right[name], element))  # type: ignore[arg-type] # as above
            at_right += 1
            if name == next_shared:
                next_shared = next(shared, None)
    return out


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two values: paths only in the first, with another value, only in the second."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet


_Three = tuple[FieldSet | None, FieldSet | None, FieldSet | None]
_NOTHING: _Three = (None, None, None)
_MODIFIED: _Three = (None, _MEMBER, None)


def compare(old: Any, new: Any, schema: Schema) -> Comparison:
    """Compares two values of one type. NotTyped where an item of a list has no key."""
    removed, modified, added = _compare(old, new, schema)
    return Comparison(removed or {}, modified or {}, added or {})


def _compare(old: Any, new: Any, schema: Schema) -> _Three:
    if old is new:
        return _NOTHING
    if schema.shape == "scalar":
        return _NOTHING if same(old, new) else _MODIFIED
    old_granular = old is None or _granular(old, schema)
    new_granular = new is None or _granular(new, schema)
    unlike = old is not None and new is not None and type(old) is not type(new)
    if unlike or not old_granular or not new_granular:
        return _compare_unlike(old, new, schema)
    if not old and not new:
        return _NOTHING if old == new else _MODIFIED
    if isinstance(old, list) or isinstance(new, list):
        return _compare_lists(old or [], new or [], schema)
    return _compare_maps(old or {}, new or {}, schema)


def _compare_unlike(old: Any, new: Any, schema: Schema) -> _Three:
    """Leaves, and free-form values that changed from one type to another."""
    if same(old, new):
        return _NOTHING
    removed = _whole(old, schema) if old and _granular(old, schema) else None
    added = _whole(new, schema) if new and _granular(new, schema) else None
    return (_without_self(removed), _MEMBER, _without_self(added))


def _without_self(node: FieldSet | None) -> FieldSet | None:
    return dict(children(node)) or None if node else None


def _compare_maps(old: dict[str, Any], new: dict[str, Any], schema: Schema) -> _Three:
    fields, element = schema.fields, schema.element
    removed: FieldSet = {}
    modified: FieldSet = {}
    added: FieldSet = {}
    for key, value in new.items():
        field = fields.get(key, element)
        if field is None:
            continue
        before = old.get(key, MISSING)
        if before is MISSING:
            added["f:" + key] = _whole(value, field)
        elif before is not value:
            _put("f:" + key, _compare(before, value, field), removed, modified, added)
    for key, value in old.items():
        if key not in new and (field := fields.get(key, element)) is not None:
            removed["f:" + key] = _whole(value, field)
    return (removed or None, modified or None, added or None)


def _put(name: str, three: _Three, removed: FieldSet, modified: FieldSet, added: FieldSet) -> None:
    if three is _NOTHING:
        return
    for node, into in zip(three, (removed, modified, added), strict=True):
        if node is not None:
            into[name] = node


def _compare_lists(old: list[Any], new: list[Any], schema: Schema) -> _Three:
    before, after = _grouped(old, schema), _grouped(new, schema)
    removed: FieldSet = {}
    modified: FieldSet = {}
    added: FieldSet = {}
    for name in {**before, **after}:
        left, right = before.get(name, ()), after.get(name, ())
        _put(name, _compare_items(left, right, schema), removed, modified, added)
    return (removed or None, modified or None, added or None)


def _grouped(items: list[Any], schema: Schema) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(item_element(item, schema), []).append(item)
    return found


def _compare_items(left: Any, right: Any, schema: Schema) -> _Three:
    """Compares the items of one key: usually one on either side, but duplicates are a fact of life."""
    element = schema.element
    if element is None:
        return _NOTHING
    if len(left) <= 1 and len(right) <= 1:
        if not left:
            return (None, None, _whole(right[0], element))
        if not right:
            return (_whole(left[0], element), None, None)
        return _compare(left[0], right[0], element)
    if len(left) > 1 and len(right) > 1:
        return _NOTHING if same(list(left), list(right)) else _MODIFIED
    if len(left) > 1:
        return (_MEMBER, None, _whole(right[0], element) if right else None)
    return (_whole(left[0], element) if left else None, None, _MEMBER)


def _whole(value: Any, schema: Schema) -> FieldSet:
    """All paths at and below a value that is only there on one side."""
    if schema.shape == "scalar" or not value or not _granular(value, schema):
        return _MEMBER
    found: FieldSet = {".": _MEMBER}
    if isinstance(value, list):
        element = schema.element
        if element is not None:
            for name, items in _grouped(value, schema).items():
                found[name] = _whole(items[0], element) if len(items) == 1 else _MEMBER
        return found
    fields, element = schema.fields, schema.element
    for key, below in value.items():
        if (field := fields.get(key, element)) is not None:
            found["f:" + key] = _whole(below, field)
    return found


def remove_items(value: Any, gone: FieldSet, schema: Schema) -> Any:
    """The value without the members of `gone`; None where nothing of a map or list is left."""
    if isinstance(value, dict):
        if not value or schema.atomic:
            return None
        return _remove_fields(value, gone, schema) or None
    if isinstance(value, list):
        if not value or schema.list_type == "atomic":
            return None
        return _remove_from_list(value, gone, schema) or None
    return value


def _remove_fields(value: dict[str, Any], gone: FieldSet, schema: Schema) -> dict[str, Any]:
    kept = {}
    fields, element = schema.fields, schema.element
    for key, below in value.items():
        node = gone.get("f:" + key)
        if node is None:
            kept[key] = below
        elif not is_member(node):
            field = fields.get(key, element)
            kept[key] = below if field is None else remove_items(below, node, field)
    return kept


def _remove_from_list(value: list[Any], gone: FieldSet, schema: Schema) -> list[Any]:
    kept = []
    element = schema.element
    for item in value:
        node = gone.get(item_element(item, schema))
        if node is None:
            kept.append(item)
        elif not is_member(node):
            kept.append(item if element is None else remove_items(item, node, element))
    return kept


def with_named_fields(fields: FieldSet, schema: Schema) -> FieldSet:
    """The set, and every declared field on the way to a member: a struct's field can go as a whole."""
    found: FieldSet = {}
    for name, node in children(fields):
        if not node:
            found[name] = node
            continue
        below: Schema | None = schema.element
        declared = False
        if name[0] == "f" and (field := schema.fields.get(name[2:])) is not None:
            below, declared = field, True
        inner = node if below is None else with_named_fields(node, below)
        found[name] = {**inner, ".": _MEMBER} if declared or "." in node else inner
    return found
