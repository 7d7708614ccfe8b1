"""The JSONPath of printer columns, scale paths and selectable fields.

`.a.b`, `['a']`, `[0]`, `[-1]`, `[*]`, `[1:3]`, `..a`, `[?(@.type=="Ready")]`, with or without `{}` around.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import orjson

Step = Callable[[list[Any]], list[Any]]

_TOKEN = re.compile(
    r"""\.\.(?P<deep>[\w/-]+)|\.(?P<name>(?:\\.|[^.\[\]\\])+)|\[(?P<index>-?\d+)\]|\[(?P<all>\*)\]"""
    r"""|\[(?P<slice>-?\d*:-?\d*)\]|\['(?P<quoted>(?:\\.|[^'\\])*)'\]|\["(?P<double>(?:\\.|[^"\\])*)"\]"""
    r"""|\[\?\(@(?P<left>[^=!<>]*?)\s*(?:(?P<op>==|!=|>=|<=|>|<)\s*(?P<right>"[^"]*"|'[^']*'|[\w.+-]+))?\)\]"""
)
_MAX_LENGTH = 1024
_MAX_FOUND = 10_000


class BadJsonPath(ValueError):
    """Text that is no JSONPath of the kind understood here."""


@lru_cache(maxsize=1024)
def parse(path: str) -> tuple[Step, ...]:
    """Compiles a path. BadJsonPath if it can't be read."""
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    text = text.removeprefix("$").removeprefix("@")
    if len(text) > _MAX_LENGTH:
        raise BadJsonPath("too long")
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            if text[at:] == "." and not steps:
                break
            raise BadJsonPath(f"cannot parse {text[at:]!r}")
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def find(obj: Any, path: str) -> list[Any]:
    """All values at a path, in order; none where the path leads nowhere. BadJsonPath as `parse`."""
    values = [obj]
    for step in parse(path):
        values = step(values)[:_MAX_FOUND]
    return values


def _step(found: re.Match[str]) -> Step:
    parts = found.groupdict()
    if parts["deep"] is not None:
        return _deep(parts["deep"])
    for group in ("name", "quoted", "double"):
        if parts[group] is not None:
            name = re.sub(r"\\(.)", r"\1", parts[group])
            return _all_values if name == "*" and group == "name" else _named(name)
    if parts["index"] is not None:
        return _indexed(int(parts["index"]))
    if parts["all"] is not None:
        return _all_values
    if parts["slice"] is not None:
        first, _, last = parts["slice"].partition(":")
        return _sliced(slice(int(first) if first else None, int(last) if last else None))
    return _filtered(parts["left"] or "", parts["op"], parts["right"])


def _named(name: str) -> Step:
    return lambda values: [one[name] for one in values if isinstance(one, dict) and name in one]


def _indexed(index: int) -> Step:
    return lambda values: [
        one[index] for one in values if isinstance(one, list) and -len(one) <= index < len(one)
    ]


def _sliced(part: slice) -> Step:
    return lambda values: [item for one in values if isinstance(one, list) for item in one[part]]


def _all_values(values: list[Any]) -> list[Any]:
    return [item for one in values for item in _inside(one)]


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _deep(name: str) -> Step:
    def step(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        todo = list(reversed(values))
        while todo and len(found) < _MAX_FOUND:
            one = todo.pop()
            if isinstance(one, dict) and name in one:
                found.append(one[name])
            todo += reversed(list(_inside(one)))
        return found

    return step


def _filtered(left: str, operator: str | None, right: str | None) -> Step:
    path = parse(left.strip()) if left.strip() else ()
    wanted = _literal(right) if right is not None else None

    def holds(item: Any) -> bool:
        values = [item]
        for step in path:
            values = step(values)
        if not values:
            return False
        return operator is None or _compare(values[0], operator, wanted)

    return lambda values: [item for one in values for item in _inside(one) if holds(item)]


def _literal(text: str) -> Any:
    if text[0] in "\"'":
        return text[1:-1]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadJsonPath(f"cannot parse {text!r}") from error


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    try:
        match operator:
            case "<":
                return bool(left < right)
            case "<=":
                return bool(left <= right)
            case ">":
                return bool(left > right)
            case _:
                return bool(left >= right)
    except TypeError:
        return False
