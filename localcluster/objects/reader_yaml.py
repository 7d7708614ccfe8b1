"""YAML bodies, read as the server's library reads them: YAML 1.1 booleans, no dates, no base-60 numbers."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from localcluster.objects.errors import BadRequest, TooLarge
from localcluster.objects.reader import MAX_BYTES, MAX_DEPTH, Document, require_json

# Aliases may not blow a small document up.
MAX_NODES = 500_000

# From here on Go writes floats with an exponent.
_JSON_EXPONENT = 1e21

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING, _INT = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int"
_FLOAT, _BOOL = "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool"
_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"


class _Loader(_Base):  # type: ignore[misc] # the C loader has no types
    """Knows only the tags that JSON has, and the merge key."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - the library's own protocol


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list(first))


_resolve(
    _BOOL, "y|Y|n|N|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"
)
_resolve(_NULL, "~|null|Null|NULL|", "~nN\0")
_Loader.add_implicit_resolver(_NULL, re.compile("^$"), [""])
_resolve(_INT, r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|(?:0|[1-9][0-9_]*))", "-+0123456789")
_resolve(
    _FLOAT,
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "-+0123456789.",
)
_resolve(_MERGE, "<<", "<")


def read_yaml(body: bytes) -> Document:
    """Parses one YAML document. BadRequest if it is malformed, too deep or not JSON in YAML's clothes."""
    if len(body) > MAX_BYTES:
        raise TooLarge(f"limit is {MAX_BYTES}")
    try:
        node = yaml.compose(body.decode(), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"error converting YAML to JSON: {error}") from error
    if node is None:
        return Document(None, ())
    builder = _Builder()
    content = builder.build(node, 0)
    require_json(content)
    return Document(content, tuple(builder.duplicates))


class _Builder:
    """Turns a node graph into values, within bounds."""

    def __init__(self) -> None:
        self.duplicates: list[str] = []
        self._left = MAX_NODES

    def build(self, node: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise BadRequest("error converting YAML to JSON: yaml: document contains excessive aliasing")
        if depth > MAX_DEPTH:
            raise BadRequest(f"error converting YAML to JSON: exceeded max depth of {MAX_DEPTH}")
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        return _scalar(node.tag, node.value)

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                self._merge(merged, self.build(value_node, depth + 1))
                continue
            key = self._key(key_node, depth)
            if key in found:
                self.duplicates.append(f'line {key_node.start_mark.line + 1}: key "{key}" already set in map')
            found[key] = self.build(value_node, depth + 1)
        return {**merged, **found}

    def _merge(self, into: dict[str, Any], value: Any) -> None:
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise BadRequest(
                    "error converting YAML to JSON: yaml: map merge requires map or sequence of maps"
                )
            for key, below in one.items():
                into.setdefault(key, below)

    def _key(self, node: Any, depth: int) -> str:
        key = self.build(node, depth + 1)
        if isinstance(key, str):
            return key
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, int | float):
            return str(key)
        raise BadRequest("error converting YAML to JSON: unsupported map key")


def _scalar(tag: str, text: str) -> Any:
    match tag:
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool":
            return text.lower() in {"y", "yes", "true", "on"}
        case "tag:yaml.org,2002:int":
            return _integer(text)
        case "tag:yaml.org,2002:float":
            return _float(text)
        case _:
            return text


def _integer(text: str) -> int | float | str:
    plain = text.replace("_", "").lower()
    sign = -1 if plain.startswith("-") else 1
    plain = plain.lstrip("+-")
    try:
        if plain.startswith(("0x", "0b", "0o")):
            value = sign * int(plain, 0)
        else:
            value = sign * (int(plain, 8) if len(plain) > 1 and plain[0] == "0" else int(plain))
    except ValueError:
        return text
    return value if -(2**63) <= value < 2**64 else float(value)


def _float(text: str) -> float | int:
    plain = text.lower().replace(".inf", "inf").replace(".nan", "nan")
    value = float(plain)
    if not math.isfinite(value):
        raise BadRequest(f"error converting YAML to JSON: json: unsupported value: {text}")
    # On its way through JSON a whole number loses its point.
    return int(value) if value.is_integer() and abs(value) < _JSON_EXPONENT else value
