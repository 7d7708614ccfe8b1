"""What a structural schema means: are its defaults valid, and can its rules be compiled and afforded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from localcluster.objects.causes import Cause, forbidden, invalid, required
from localcluster.objects.crd.celrun import program_of
from localcluster.objects.crd.celview import escape, loop_depth
from localcluster.objects.crd.check import check_schema

Json = dict[str, Any]

_SELF_CHAIN = re.compile(r"(?<![\w.])(?:self|oldSelf)((?:\.\w+)+)(\s*\()?")
_LITERAL = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_LOOPS_OVER = re.compile(r"(?<![\w.])self((?:\.\w+)*)\.(?:all|exists|exists_one|map|filter)\s*\(")
# Items that a list without maxItems could have in the largest request, and what one rule may cost.
_UNBOUNDED = 1_000_000
_RULE_LIMIT = 10_000_000
_TOO_COSTLY = (
    "estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding "
    "maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
)


def check_semantics(schema: Json, field: str) -> Iterator[Cause]:
    """The causes, in the order of the schema."""
    if schema.get("default") is not None:
        yield from check_schema(schema["default"], schema, path=f"{field}.default")
    for at, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        yield from _rule(rule, schema, f"{field}.x-kubernetes-validations[{at}]")
    for name, below in (schema.get("properties") or {}).items():
        yield from check_semantics(below, f"{field}.properties[{name}]")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from check_semantics(schema[key], f"{field}.{key}")


def _rule(rule: Json, schema: Json, field: str) -> Iterator[Cause]:
    expression = (rule.get("rule") or "").strip()
    if not expression:
        yield required(f"{field}.rule", "rule is not specified")
        return
    message = rule.get("message")
    if message is not None and not message.strip():
        yield invalid(f"{field}.message", message, "message must be non-empty if specified")
    elif message is not None and "\n" in message.strip():
        yield invalid(f"{field}.message", message, "message must not contain line breaks")
    wrong = _compile_error(expression, schema)
    if wrong:
        yield invalid(f"{field}.rule", expression, f"compilation failed: {wrong}")
    elif _estimate(expression, schema) > _RULE_LIMIT:
        yield forbidden(f"{field}.rule", _TOO_COSTLY)
    computed = (rule.get("messageExpression") or "").strip()
    if computed and (wrong := _compile_error(computed, schema)):
        yield invalid(
            f"{field}.messageExpression", computed, f"messageExpression compilation failed: {wrong}"
        )


def _compile_error(expression: str, schema: Json) -> str:
    names = ("oldSelf", "self") if "oldSelf" in expression else ("self",)
    program = program_of(expression, names)
    return program if isinstance(program, str) else _undefined_field(expression, schema)


def _undefined_field(expression: str, schema: Json) -> str:
    """Rules are compiled without types here; the fields they name are looked up apart."""
    for found in _SELF_CHAIN.finditer(_LITERAL.sub("''", expression)):
        names = found[1].split(".")[1:]
        here: Json | None = schema
        for name in names[:-1] if found[2] else names:
            here = _property(here, name)
            if here is None:
                return f"undefined field '{name}'"
            if not here:
                break
    return ""


def _property(schema: Json | None, name: str) -> Json | None:
    """The schema of a field; `{}` where anything may be, None where the field is not declared."""
    if not schema:
        return {}
    properties = schema.get("properties") or {}
    for declared, below in properties.items():
        if escape(declared) == name:
            found: Json = below
            return found
    closed = schema.get("type") == "object" and properties
    own = name in {"metadata", "apiVersion", "kind"}
    return None if closed and not own and not schema.get("additionalProperties") else {}


def _estimate(expression: str, schema: Json) -> int:
    """What a rule may cost at worst, as far as its loops tell."""
    if loop_depth(expression) < 2:
        return 0
    total = 1
    for found in _LOOPS_OVER.finditer(expression):
        here: Json | None = schema
        for name in found[1].split(".")[1:]:
            here = _property(here, name)
        bound = (here or {}).get("maxItems") or (here or {}).get("maxProperties")
        total *= bound or _UNBOUNDED
    return total
