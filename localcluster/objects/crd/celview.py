"""Values as rules see them: names escaped that CEL can't spell, times typed; and what a rule costs."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any

from localcluster.objects.crd.formats import parse_duration

Json = dict[str, Any]

_RESERVED = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_ESCAPED = re.compile(r"__|\.|-|/")
_MACROS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\s*\(")


def escape(name: str) -> str:
    """How a rule writes a property's name."""
    if name in _RESERVED:
        return f"__{name}__"
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], name)


def view(value: Any, structural: Json) -> Any:
    """A value for CEL. Fields that the schema does not declare are not visible, as in the genuine server."""
    if isinstance(value, dict):
        return _map(value, structural)
    if isinstance(value, list):
        items = structural.get("items") or {}
        return [view(item, items) for item in value]
    if structural.get("type") == "string" and isinstance(value, str):
        return _typed(value, structural.get("format", ""))
    if structural.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _map(value: Json, structural: Json) -> Json:
    properties = structural.get("properties") or {}
    extra = structural.get("additionalProperties")
    embedded = structural.get("x-kubernetes-embedded-resource")
    found: Json = {}
    for name, below in value.items():
        if name in properties:
            found[escape(name)] = view(below, properties[name])
        elif isinstance(extra, dict):
            found[name] = view(below, extra)
        elif (
            extra
            or (not properties and structural.get("type") is None)
            or (name in {"apiVersion", "kind"} and embedded is not False)
        ):
            found[name] = below
        elif name == "metadata" and isinstance(below, dict):
            found[name] = {key: below[key] for key in ("name", "generateName") if key in below}
    return found


def _typed(text: str, form: str) -> Any:
    try:
        match form:
            case "date-time":
                return datetime.fromisoformat(text)
            case "date":
                return datetime.fromisoformat(text + "T00:00:00+00:00")
            case "duration":
                return parse_duration(text)
            case "byte":
                return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return text
    return text


def cost(expression: str, value: Any) -> int:
    """A pessimistic estimate: the expression's length, times the value's size for each nested loop."""
    depth = loop_depth(expression)
    return len(expression) // 8 + 1 + (_size(value) ** depth if depth else 0)


def loop_depth(expression: str) -> int:
    """How deep loops nest, by counting the parentheses that loops open."""
    starts = {found.end() - 1 for found in _MACROS.finditer(expression)}
    open_loops: list[bool] = []
    deepest = 0
    for at, letter in enumerate(expression):
        if letter == "(":
            open_loops.append(at in starts)
            deepest = max(deepest, sum(open_loops))
        elif letter == ")" and open_loops:
            open_loops.pop()
    return deepest


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_size(below) for below in value.values())
    if isinstance(value, list):
        return 1 + sum(_size(below) for below in value)
    return 1 + len(value) // 64 if isinstance(value, str) else 1
