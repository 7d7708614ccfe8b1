"""Request bodies: JSON and YAML with bounds, and with an eye on keys that are there twice."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

from localcluster.objects.errors import BadRequest, TooLarge

MAX_BYTES = 3 * 1024 * 1024
# The walkers of objects recurse; nothing real is deeper.
MAX_DEPTH = 128
_KEY = re.compile(rb'"\s*:')


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed body. `duplicates` are complaints such as `duplicate field "data"`."""

    content: Any
    duplicates: tuple[str, ...]


def read_json(body: bytes, *, merge: bool = True) -> Document:
    """Parses a JSON body. BadRequest if it is malformed or too deep, TooLarge if it is too long.

    Where a key is given twice the last one wins; with `merge` (built-in kinds) objects given twice are
    merged,
    as decoding into a Go struct does.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"limit is {MAX_BYTES}")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_strictly(body, merge=merge)
    if count_keys(content, 0) == len(_KEY.findall(body)):
        return Document(content, ())
    return _read_strictly(body, merge=merge)


def count_keys(value: Any, depth: int) -> int:
    """How many keys all objects below have. BadRequest if they nest too deep."""
    if depth > MAX_DEPTH:
        raise BadRequest(f"exceeded max depth of {MAX_DEPTH}")
    total = 0
    if isinstance(value, dict):
        total = len(value)
        for below in value.values():
            if type(below) is dict or type(below) is list:
                total += count_keys(below, depth + 1)
    elif isinstance(value, list):
        for below in value:
            if type(below) is dict or type(below) is list:
                total += count_keys(below, depth + 1)
    return total


def _read_strictly(body: bytes, *, merge: bool) -> Document:
    repeated: dict[int, tuple[Any, list[str]]] = {}

    def build(pairs: list[tuple[str, Any]]) -> Any:
        found: dict[str, Any] = {}
        twice: list[str] = []
        for key, value in pairs:
            if key in found:
                twice.append(key)
                value = _merged(found[key], value) if merge else value  # noqa: PLW2901 - the last one wins
            found[key] = value
        if twice:
            repeated[id(found)] = (found, twice)
        return found

    try:
        content = json.loads(body, object_pairs_hook=build, parse_constant=_no_constant, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from error
    require_json(content)
    return Document(content, tuple(_complaints(content, "", repeated)) if repeated else ())


def require_json(content: Any) -> None:
    """BadRequest for values that nest too deep or can't be written again, such as half a surrogate pair."""
    count_keys(content, 0)
    try:
        orjson.dumps(content)
    except TypeError as error:
        raise BadRequest(f"json parse error: {error}") from error


def _number(text: str) -> int | float:
    """Whole numbers of more than 64 bits are floats, as for the fast reader."""
    value = int(text)
    return value if -(2**63) <= value < 2**64 else float(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"invalid character in {name}")


def _merged(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        return {**first, **{key: _merged(first.get(key), value) for key, value in second.items()}}
    return second


def _complaints(value: Any, path: str, repeated: dict[int, tuple[Any, list[str]]]) -> list[str]:
    found: list[str] = []
    if isinstance(value, dict):
        found += [f'duplicate field "{path}{key}"' for key in repeated.get(id(value), (None, []))[1]]
        for key, below in value.items():
            found += _complaints(below, f"{path}{key}.", repeated)
    elif isinstance(value, list):
        for at, below in enumerate(value):
            found += _complaints(below, f"{path.removesuffix('.')}[{at}].", repeated)
    return found
