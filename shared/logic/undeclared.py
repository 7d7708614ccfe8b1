"""Fields of built-in kinds that the API server does not know (specs/kustomize.md 8.1).

Flux drops them before it applies, since it reads built-in kinds into typed structs. Without such a
table we let the server name them, and drop what it named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from shared.model.meta import Object

_UNDECLARED = re.compile(r"((?:\.[^\s.:\[\]]+|\[[^\]\n]*\])+): field not declared in schema")
_STEP = re.compile(r"\.(?P<field>[^\s.:\[\]]+)|\[(?P<item>[^\]\n]*)\]")
_KEY = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^,\]]+)')

Path = tuple[str, ...]


def undeclared_fields(message: str) -> list[Path]:
    """The paths in the server's message; a list item is a step such as `[name="web"]`."""
    return [tuple(step[0] for step in _STEP.finditer(path)) for path in _UNDECLARED.findall(message)]


def is_built_in(api_version: str) -> bool:
    """Kinds that are compiled into the server: their groups are one word, or end in k8s.io."""
    group = api_version.rpartition("/")[0]
    return "." not in group or (group.endswith(".k8s.io") and group not in _SERVED_BY_DEFINITIONS)


# Groups of the Kubernetes project that custom resource definitions bring.
_SERVED_BY_DEFINITIONS = frozenset({"gateway.networking.k8s.io", "snapshot.storage.k8s.io", "metrics.k8s.io"})


def without_fields(obj: Object, paths: Iterable[Path]) -> Object:
    """A copy without these fields; the object itself where it has none of them."""
    for path in paths:
        obj = _without(obj, path)
    return obj


def _without(value: Any, path: Path) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and step.startswith("."):
        name = step[1:]
        if name not in value:
            return value
        if not rest:
            return {key: item for key, item in value.items() if key != name}
        return {**value, name: _without(value[name], rest)}
    if isinstance(value, list) and step.startswith("[") and rest:
        return [
            _without(item, rest) if _denotes(step, item, index) else item for index, item in enumerate(value)
        ]
    return value


def _denotes(step: str, item: Any, index: int) -> bool:
    inner = step[1:-1]
    if inner.isdecimal():
        return int(inner) == index
    keys = _KEY.findall(inner)
    return bool(keys) and isinstance(item, Mapping) and all(_equal(item.get(k), text) for k, text in keys)


def _equal(value: Any, text: str) -> bool:
    try:
        return bool(value == orjson.loads(text))
    except orjson.JSONDecodeError:
        return bool(value == text)
