"""Typed values: what structured-merge-diff checks before it merges, and how it names the items of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from localcluster.objects.fieldset import FieldSet, key_element, path_text, value_element

if TYPE_CHECKING:
    from localcluster.objects.schema import Schema


class Missing:
    """The type of MISSING: no value at all, where None is JSON's null."""


MISSING: Final = Missing()

_MEMBER: FieldSet = {}
_MAX_ERRORS = 50


class NotTyped(ValueError):
    """A value that does not have the type its schema asks for; the message is the genuine one."""


def item_element(item: Any, schema: Schema) -> str:
    """The path element of an item of a set or an associative list. NotTyped if it has none."""
    if schema.keys:
        return _keyed_element(item, schema)
    if isinstance(item, dict):
        raise NotTyped("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise NotTyped("not supported: associative list with lists as elements")
    if item is None:
        raise NotTyped("associative list without keys has an element that's an explicit null")
    return value_element(item)


def _keyed_element(item: Any, schema: Schema) -> str:
    if item is None:
        raise NotTyped("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise NotTyped("associative list with keys may not have non-map elements")
    found = {}
    for key in schema.keys:
        value = item.get(key, MISSING)
        if value is MISSING:
            value = schema.key_defaults.get(key, MISSING)
        if value is not MISSING:
            found[key] = value
    if not found:
        names = " ".join(f'"{key}"' for key in schema.keys)
        raise NotTyped(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return key_element(found)


def check(value: Any, schema: Schema, *, allow_duplicates: bool = False) -> None:
    """Raises NotTyped with all that is wrong with a value."""
    errors: list[str] = []
    _check(value, schema, (), errors, allow_duplicates=allow_duplicates)
    if len(errors) == 1:
        raise NotTyped(errors[0])
    if errors:
        raise NotTyped("errors:\n" + "\n".join(f"  {error}" for error in errors[:_MAX_ERRORS]))


def _check(
    value: Any, schema: Schema, path: tuple[str, ...], errors: list[str], *, allow_duplicates: bool
) -> None:
    if value is None or schema.shape == "any":
        return
    match schema.shape:
        case "scalar":
            if (wrong := _scalar_error(value, schema.type)) is not None:
                errors.append(_at(path, wrong))
        case "list":
            if isinstance(value, list):
                _check_items(value, schema, path, errors, allow_duplicates=allow_duplicates)
            else:
                errors.append(_at(path, f"expected list, got {_go(value)}"))
        case _:
            if isinstance(value, dict):
                _check_fields(value, schema, path, errors, allow_duplicates=allow_duplicates)
            else:
                errors.append(_at(path, f"expected map, got {_go(value)}"))


def _check_fields(
    value: dict[str, Any],
    schema: Schema,
    path: tuple[str, ...],
    errors: list[str],
    *,
    allow_duplicates: bool,
) -> None:
    fields, element = schema.fields, schema.element
    for key, below in value.items():
        field = fields.get(key, element)
        if field is None:
            errors.append(_at((*path, "f:" + key), "field not declared in schema"))
            # The genuine walk of this map ends here too.
            return
        if field.shape == "scalar" and isinstance(below, str) and field.type in {"string", ""}:
            continue
        _check(below, field, (*path, "f:" + key), errors, allow_duplicates=allow_duplicates)


def _check_items(
    value: list[Any], schema: Schema, path: tuple[str, ...], errors: list[str], *, allow_duplicates: bool
) -> None:
    element = schema.element
    if element is None:
        return
    seen: set[str] = set()
    associative = schema.list_type != "atomic"
    for index, item in enumerate(value):
        name = f"i:{index}"
        if associative:
            try:
                name = item_element(item, schema)
            except NotTyped as error:
                errors.append(_at(path, f"element {index}: {error}"))
                return
            if name in seen and not allow_duplicates:
                errors.append(_at(path, f"duplicate entries for key {path_text((name,))}"))
            seen.add(name)
        _check(item, element, (*path, name), errors, allow_duplicates=allow_duplicates)


def _at(path: tuple[str, ...], message: str) -> str:
    return f"{path_text(path)}: {message}" if path else message


def _scalar_error(value: Any, wanted: str) -> str | None:
    """Why a value is not the scalar that was asked for."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted == "string":
        return (
            None
            if isinstance(value, str)
            else f"expected string, got &value.valueUnstructured{{Value:{_go(value)}}}"
        )
    if wanted in {"integer", "number"}:
        return None if is_number else f"expected numeric (int or float), got {_go_type(value)}"
    if wanted == "boolean":
        return None if isinstance(value, bool) else f"expected boolean, got {_go(value)}"
    return f"expected any scalar, got {_go(value)}" if isinstance(value, dict | list) else None


def _go_type(value: Any) -> str:
    names = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
    return names.get(type(value), type(value).__name__)


def _go(value: Any) -> str:
    return orjson.dumps(value).decode()


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: numbers by value, but true is not 1."""
    if left != right:
        return False
    if isinstance(left, dict):
        return all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return all(same(mine, other) for mine, other in zip(left, right, strict=True))
    return isinstance(left, bool) == isinstance(right, bool)


def to_field_set(value: Any, schema: Schema) -> FieldSet:
    """All paths of a value, as an applier owns them. The value has passed `check`."""
    return _node_of(value, schema) or {}


def _node_of(value: Any, schema: Schema) -> FieldSet | None:
    """What lies below a value; None if nothing does, `{}` if the value itself is a member."""
    shape = schema.shape
    if shape == "scalar":
        return _MEMBER
    if isinstance(value, dict):
        return _MEMBER if schema.atomic else _map_node(value, schema)
    if isinstance(value, list):
        return _MEMBER if schema.list_type == "atomic" else _list_node(value, schema)
    if value is None:
        return _MEMBER if schema.atomic or (shape == "list" and schema.list_type == "atomic") else None
    return _MEMBER


def _map_node(value: dict[str, Any], schema: Schema) -> FieldSet | None:
    fields, element = schema.fields, schema.element
    found: FieldSet = {}
    for key, below in value.items():
        field = fields.get(key)
        declared = field is not None
        node = _node_of(below, field or element)  # type: ignore[arg-type] # an undeclared field fails the check
        if node is None:
            if below is None or below == {} or not declared:
                found["f:" + key] = _MEMBER
        elif declared or not node or "." in node:
            found["f:" + key] = node
        else:
            found["f:" + key] = {".": _MEMBER, **node}
    return found or None


def _list_node(value: list[Any], schema: Schema) -> FieldSet | None:
    found: FieldSet = {}
    repeated: set[str] = set()
    for item in value:
        name = item_element(item, schema)
        if name in found:
            repeated.add(name)
            continue
        node = _node_of(item, schema.element)  # type: ignore[arg-type] # every list has an element type
        found[name] = node if not node or "." in node else {".": _MEMBER, **node}
        if found[name] is None:
            found[name] = _MEMBER
    for name in repeated:
        found[name] = _MEMBER
    return found or None
