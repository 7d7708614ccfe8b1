"""Compose the values of a release from referenced and inline ones (specs/helm.md 7.4).

Maps merge, everything else is replaced by what comes later; a null stays, and removes the chart's default
when the engine merges that in.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.charts.strvals import BadSetting, Int64, set_line, set_literal
from shared.logic.go_yaml import Limits, YamlError, read_document

_LIMITS = Limits(size_bytes=8 * 2**20, depth=100)
_QUOTES = "'\""


@dataclass(frozen=True, slots=True)
class ValuesPart:
    """The data of one `valuesFrom` entry: a YAML document, or one value for `target_path`."""

    data: str
    target_path: str = ""
    literal: bool = False


class PartRefused(Exception):
    """`part` cannot be used; the message says why."""

    def __init__(self, part: ValuesPart, message: str) -> None:
        super().__init__(message)
        self.part = part


def compose(parts: Iterable[ValuesPart], inline: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a release; the arguments are left as they are. Raises PartRefused.

    Inline values win over documents, and mostly lose against a target path: where a path creates the map that
    it sets into, or the map is inline's own, it wins; where both have a scalar, inline does, as in Flux.
    """
    own = copy.deepcopy(dict(inline))
    result: dict[str, Any] = {}
    for part in parts:
        if part.target_path:
            result = merge(result, own)
            _set(result, part)
        else:
            result = merge(result, _read(part))
    return merge(result, own)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: a new map that shares what it did not have to merge.

    The sharing is part of the contract: a path that `compose` sets in the result may reach the inline values.
    """
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]  # both are maps
    return merged


def integers(values: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], int]]:
    """Where the values have an Int64, and which: the engine must be told (prelude.py)."""
    found: list[tuple[tuple[str | int, ...], int]] = []
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), values)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Int64):
            found.append((path, int(value)))
        elif isinstance(value, Mapping):
            waiting.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, index), item) for index, item in enumerate(value))
    return sorted(found, key=str)


def _read(part: ValuesPart) -> dict[str, Any]:
    try:
        value = read_document(part.data, limits=_LIMITS)
    except YamlError as error:
        raise PartRefused(part, f"cannot read values: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PartRefused(part, "cannot read values: the document is not a map")
    return value


def _set(values: dict[str, Any], part: ValuesPart) -> None:
    try:
        if part.literal:
            set_literal(values, part.target_path, part.data)
        elif _quoted(part.data):
            set_line(values, f"{part.target_path}={part.data.strip(_QUOTES)}", as_text=True)
        else:
            set_line(values, f"{part.target_path}={part.data}")
    except BadSetting as error:
        raise PartRefused(part, f"cannot set {part.target_path}: {error}") from error


def _quoted(data: str) -> bool:
    return any(data.startswith(quote) and data.endswith(quote) for quote in _QUOTES)
