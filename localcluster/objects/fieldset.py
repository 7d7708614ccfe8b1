"""Sets of field paths, as `managedFields[].fieldsV1` holds them.

A set *is* its FieldsV1 JSON: a dict whose keys are path elements (`f:name`, `k:{"name":"a"}`, `v:"x"`,
`i:0`) and
whose values are the sets below them. `{}` marks a member of the set; `{".": {}, ...}` a member that
has further
members below it; anything else is only a way to what lies below. No operation changes its arguments,
and results
share parts with them, so a set is never to be changed by whoever holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import orjson

FieldSet = dict[str, Any]

_MEMBER: FieldSet = {}
# Deeper than any real object; the JSON reader refuses more anyway.
_MAX_DEPTH = 200


class BadFieldSet(ValueError):
    """A fieldsV1 value that is not a set of paths."""


def parse(raw: Any) -> FieldSet:
    """Reads fieldsV1 JSON that a client sent. BadFieldSet where it is none."""
    return _parse(raw, 0)


def _parse(raw: Any, depth: int) -> FieldSet:
    if not isinstance(raw, dict):
        raise BadFieldSet(f"expected an object, got {type(raw).__name__}")
    if depth > _MAX_DEPTH:
        raise BadFieldSet("too deep")
    found: FieldSet = {}
    for key, below in raw.items():
        if key == ".":
            found["."] = _MEMBER
        else:
            found[_canonical(key)] = _parse(below, depth + 1)
    return found


def _canonical(element: str) -> str:
    """Checks a path element and writes list keys in their one form: sorted and without spaces."""
    prefix, colon, rest = element.partition(":")
    if not colon:
        raise BadFieldSet(f"missing colon: {element!r}")
    if prefix == "f":
        return element
    if prefix not in {"k", "v", "i"}:
        raise BadFieldSet(f"unknown kind of path element: {element!r}")
    try:
        value = orjson.loads(rest)
    except orjson.JSONDecodeError as error:
        raise BadFieldSet(f"not JSON: {element!r}") from error
    if prefix == "k":
        if not isinstance(value, dict) or not value:
            raise BadFieldSet(f"a list key must be an object: {element!r}")
        return key_element(value)
    if prefix == "i" and (not isinstance(value, int) or isinstance(value, bool)):
        raise BadFieldSet(f"an index must be a number: {element!r}")
    return element if prefix == "i" else value_element(value)


def key_element(keys: dict[str, Any]) -> str:
    """The path element of an item of an associative list."""
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def value_element(value: Any) -> str:
    """The path element of an item of a set."""
    return "v:" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def is_member(node: FieldSet) -> bool:
    """Whether the path that leads to `node` belongs to the set."""
    return not node or "." in node


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in either."""
    if left is right or not right:
        return left
    if not left:
        return right
    found = dict(left)
    for key, node in right.items():
        mine = found.get(key)
        found[key] = node if mine is None else _union_nodes(mine, node)
    return found


def _union_nodes(left: FieldSet, right: FieldSet) -> FieldSet:
    """Like `union`, below the root, where `{}` is a member and not an empty set."""
    if left is right:
        return left
    if not left:
        return right if "." in right or not right else {".": _MEMBER, **right}
    if not right:
        return left if "." in left else {".": _MEMBER, **left}
    return union(left, right)


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in both."""
    found: FieldSet = {}
    for key, node in left.items():
        other = right.get(key)
        if other is not None and (both := _intersect_nodes(node, other)) is not None:
            found[key] = both
    return found


def _intersect_nodes(left: FieldSet, right: FieldSet) -> FieldSet | None:
    member = is_member(left) and is_member(right)
    below = {} if not left or not right else intersection(_below(left), _below(right))
    return _node(member, below)


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """The members of `left` that are no members of `right`."""
    return _subtract(left, right, _difference_nodes)


def recursive_difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """Like `difference`, and without all that lies below a member of `right`."""
    return _subtract(left, right, _recursive_nodes)


def _subtract(
    left: FieldSet, right: FieldSet, nodes: Callable[[FieldSet, FieldSet], FieldSet | None]
) -> FieldSet:
    if not right or not left:
        return left
    found: FieldSet = {}
    changed = False
    for key, node in left.items():
        other = right.get(key)
        if other is None:
            found[key] = node
            continue
        rest = nodes(node, other)
        changed = changed or rest is not node
        if rest is not None:
            found[key] = rest
    return found if changed else left


def _difference_nodes(left: FieldSet, right: FieldSet) -> FieldSet | None:
    member = is_member(left) and not is_member(right)
    return _rest(left, member, difference(_below(left), _below(right)))


def _recursive_nodes(left: FieldSet, right: FieldSet) -> FieldSet | None:
    if is_member(right):
        return None
    return _rest(left, is_member(left), recursive_difference(_below(left), _below(right)))


def _rest(original: FieldSet, member: bool, below: FieldSet) -> FieldSet | None:  # noqa: FBT001 - a fact of the node
    if member == is_member(original) and len(below) == len(original) - ("." in original):
        same = all(original[key] is node for key, node in below.items())
        if same:
            return original
    return _node(member, below)


def _node(member: bool, below: FieldSet) -> FieldSet | None:  # noqa: FBT001 - a fact of the node
    if not below:
        return _MEMBER if member else None
    return {".": _MEMBER, **below} if member else below


def _below(node: FieldSet) -> FieldSet:
    if "." not in node:
        return node
    return {key: child for key, child in node.items() if key != "."}


def children(node: FieldSet) -> Iterator[tuple[str, FieldSet]]:
    """The elements directly below a node and what is below them."""
    return ((key, child) for key, child in node.items() if key != ".")


def leaves(fields: FieldSet) -> FieldSet:
    """The members that have no other members below them."""
    found: FieldSet = {}
    for key, node in children(fields):
        below = leaves(node)
        found[key] = below or _MEMBER
    return found


def has(fields: FieldSet, *path: str) -> bool:
    """Whether the path is a member."""
    node: FieldSet | None = fields
    for element in path:
        node = node.get(element) if node is not None else None
    return node is not None and is_member(node)


def of_paths(*paths: tuple[str, ...]) -> FieldSet:
    """The set of some paths of plain field names."""
    found: FieldSet = {}
    for path in paths:
        single: FieldSet = _MEMBER
        for name in reversed(path):
            single = {"f:" + name: single}
        found = union(found, single)
    return found


def paths(fields: FieldSet) -> Iterator[tuple[str, ...]]:
    """All members: at each level first those of that level, then those below, both in order."""
    ordered = sorted(children(fields), key=lambda pair: _order(pair[0]))
    for key, node in ordered:
        if is_member(node):
            yield (key,)
    for key, node in ordered:
        for rest in paths(node):
            yield (key, *rest)


def ordered(fields: FieldSet) -> FieldSet:
    """The same set, written in the server's order: fields, list keys, values, indices, each by value."""
    keys = list(fields)
    if len(keys) > 1:
        keys.sort()
        # Names of fields are in order as text; the other elements have letters after f.
        if keys[-1] > "g":
            keys.sort(key=_order)
    found = {}
    changed = False
    for key in keys:
        node = fields[key]
        if node:
            below = ordered(node)
            changed = changed or below is not node
            node = below
        found[key] = node
    return found if changed or keys != list(fields) else fields


_ELEMENT_ORDER = {".": -1, "f": 0, "k": 1, "v": 2, "i": 3}


@lru_cache(maxsize=4096)
def _order(element: str) -> tuple[int, Any]:
    kind = _ELEMENT_ORDER[element[0]]
    if kind <= 0:
        return (kind, element)
    value = orjson.loads(element[2:])
    if kind == 1:
        return (kind, tuple((name, _value_order(value[name])) for name in sorted(value)))
    return (kind, _value_order(value))


def _value_order(value: Any) -> tuple[int, Any]:
    """Numbers before strings before booleans, numbers by value: 80 is before 443."""
    match value:
        case bool():
            return (2, value)
        case int() | float():
            return (0, value)
        case str():
            return (1, value)
    return (3, orjson.dumps(value))


def path_text(path: tuple[str, ...]) -> str:
    """A path as error messages write it: `.spec.ports[port=80,protocol="TCP"].name`."""
    return "".join(_element_text(element) for element in path)


def _element_text(element: str) -> str:
    kind, rest = element[0], element[2:]
    if kind == "f":
        return "." + rest
    if kind == "k":
        keys = orjson.loads(rest)
        return "[" + ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in keys.items()) + "]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"
