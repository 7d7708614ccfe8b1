"""Validation of a custom resource against its OpenAPI schema, with ratcheting."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from localcluster.objects.causes import (
    Cause,
    duplicate,
    invalid,
    required,
    too_long,
    too_many,
    type_invalid,
    unsupported,
)
from localcluster.objects.crd.formats import accepts
from localcluster.objects.typed import MISSING, same

Json = dict[str, Any]

_INT_LIMITS = {"int32": 2**31, "int64": 2**63}


def check_schema(
    value: Any, schema: Json, old: Any = MISSING, *, path: str = "", name: str = ""
) -> list[Cause]:
    """What is wrong with a value. With an `old` value, what did not change is not held against it.

    `path` is the field of the causes, `name` what messages call it; they differ for the status
    subresource alone.
    """
    return list(_check(value, schema, old, _Place(path, name)))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value is: as a field of causes, and by the name that messages use."""

    path: str
    name: str

    def child(self, key: str) -> _Place:
        return _Place(f"{self.path}.{key}" if self.path else key, f"{self.name}.{key}" if self.name else key)

    def item(self, at: int) -> _Place:
        return _Place(f"{self.path}[{at}]", f"{self.name}[{at}]")

    def invalid(self, value: Any, detail: str) -> Cause:
        return invalid(self.path or "<nil>", value, f"{self.name} in body {detail}")


def _check(value: Any, schema: Json, old: Any, place: _Place) -> Iterator[Cause]:
    if old is not MISSING and same(value, old):
        return
    wrong = _type_error(value, schema, place)
    if wrong is not None:
        yield wrong
        return
    if value is None:
        return
    yield from _compositions(value, schema, place)
    if isinstance(value, str):
        yield from _string(value, schema, place)
    elif isinstance(value, bool):
        pass
    elif isinstance(value, int | float):
        yield from _number(value, schema, place)
    elif isinstance(value, list):
        yield from _list(value, schema, old, place)
    if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
        yield unsupported(
            place.path, value, [one if isinstance(one, str) else str(one) for one in schema["enum"]]
        )
    if isinstance(value, dict):
        yield from _object(value, schema, old, place)


def _type_error(value: Any, schema: Json, place: _Place) -> Cause | None:
    wanted = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        fine = isinstance(value, str) or _is_integer(value)
        return (
            None
            if fine or (value is None and schema.get("nullable"))
            else _wrong_type(value, "integer,string", place)
        )
    if wanted is None:
        return None
    if value is None:
        return None if schema.get("nullable") else _wrong_type(value, wanted, place)
    fits = {
        "string": isinstance(value, str),
        "integer": _is_integer(value),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }
    return None if fits.get(wanted, True) else _wrong_type(value, wanted, place)


def _wrong_type(value: Any, wanted: str, place: _Place) -> Cause:
    actual = _type_name(value)
    return type_invalid(place.path, actual, f'{place.name} in body must be of type {wanted}: "{actual}"')


def _is_integer(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "")


@lru_cache(maxsize=2048)
def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error:
        return None


def _string(value: str, schema: Json, place: _Place) -> Iterator[Cause]:
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if longest is not None and len(value) > longest:
        yield too_long(place.path, longest)
    if shortest is not None and len(value) < shortest:
        yield place.invalid(value, f"should be at least {shortest} chars long")
    pattern = schema.get("pattern")
    if pattern and (compiled := _pattern(pattern)) is not None and compiled.search(value) is None:
        yield place.invalid(value, f"should match '{pattern}'")
    form = schema.get("format")
    if form and not accepts(form, value):
        yield type_invalid(place.path, value, f'{place.name} in body must be of type {form}: "{value}"')


def _number(value: float, schema: Json, place: _Place) -> Iterator[Cause]:
    limit = _INT_LIMITS.get(schema.get("format", ""))
    if limit is not None and schema.get("type") == "integer" and not -limit <= value < limit:
        yield place.invalid(value, f"should be a valid {schema['format']}")
    step: float = schema.get("multipleOf") or 0
    if step and not _is_multiple(value, step):
        yield place.invalid(value, f"should be a multiple of {_go_number(step)}")
    most, least = schema.get("maximum"), schema.get("minimum")
    if most is not None:
        if schema.get("exclusiveMaximum") and value >= most:
            yield place.invalid(value, f"should be less than {_go_number(most)}")
        elif value > most:
            yield place.invalid(value, f"should be less than or equal to {_go_number(most)}")
    if least is not None:
        if schema.get("exclusiveMinimum") and value <= least:
            yield place.invalid(value, f"should be greater than {_go_number(least)}")
        elif value < least:
            yield place.invalid(value, f"should be greater than or equal to {_go_number(least)}")


def _is_multiple(value: float, step: float) -> bool:
    ratio = value / step
    return math.isfinite(ratio) and abs(ratio - round(ratio)) < 1e-9


def _go_number(value: int | float) -> str:  # noqa: PYI041 - JSON numbers are either
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _list(value: list[Any], schema: Json, old: Any, place: _Place) -> Iterator[Cause]:
    items = schema.get("items")
    if isinstance(items, dict):
        earlier = _old_items(old, schema)
        for at, item in enumerate(value):
            before = earlier.get(_item_key(item, schema), MISSING) if earlier else MISSING
            yield from _check(item, items, before, place.item(at))
    fewest, most = schema.get("minItems"), schema.get("maxItems")
    if fewest is not None and len(value) < fewest:
        yield place.invalid(len(value), f"should have at least {fewest} items")
    if most is not None and len(value) > most:
        yield too_many(place.path, len(value), most)
    if schema.get("uniqueItems") and _first_repeated(value) is not None:
        yield place.invalid(value, "shouldn't contain duplicates")


def _old_items(old: Any, schema: Json) -> dict[str, Any]:
    if not isinstance(old, list) or schema.get("x-kubernetes-list-type") != "map":
        return {}
    return {_item_key(item, schema): item for item in old}


def _item_key(item: Any, schema: Json) -> str:
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    return repr([item.get(key) for key in keys]) if isinstance(item, dict) else repr(item)


def _first_repeated(values: list[Any]) -> int | None:
    seen: set[str] = set()
    for at, value in enumerate(values):
        text = repr(value)
        if text in seen:
            return at
        seen.add(text)
    return None


def _object(value: Json, schema: Json, old: Any, place: _Place) -> Iterator[Cause]:
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if least is not None and len(value) < least:
        yield place.invalid(len(value), f"should have at least {least} properties")
    if most is not None and len(value) > most:
        yield too_many(place.path, len(value), most)
    for name in schema.get("required") or ():
        if name not in value:
            yield required(place.child(name).path)
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for name, below in value.items():
        inner = properties.get(name, extra if isinstance(extra, dict) else None)
        if inner is not None:
            before = old.get(name, MISSING) if isinstance(old, dict) else MISSING
            yield from _check(below, inner, before, place.child(name))


def _compositions(value: Any, schema: Json, place: _Place) -> Iterator[Cause]:
    shown = place.name or ""
    if options := schema.get("anyOf"):
        failures = [list(_check(value, one, MISSING, place)) for one in options]
        if all(failures):
            yield invalid(place.path, value, f'"{shown}" must validate at least one schema (anyOf)')
            yield from min(failures, key=len)
    if options := schema.get("oneOf"):
        failures = [list(_check(value, one, MISSING, place)) for one in options]
        good = sum(not failure for failure in failures)
        if good != 1:
            found = f"Found {good} valid alternatives" if good else "Found none valid"
            yield invalid(
                place.path, value, f'"{shown}" must validate one and only one schema (oneOf). {found}'
            )
            if good == 0:
                yield from min(failures, key=len)
    if options := schema.get("allOf"):
        failures = [failure for one in options if (failure := list(_check(value, one, MISSING, place)))]
        for failure in failures:
            yield from failure
        if failures:
            yield invalid(place.path, value, f'"{shown}" must validate all the schemas (allOf)')
    negated = schema.get("not")
    if isinstance(negated, dict) and not list(_check(value, negated, MISSING, place)):
        yield invalid(place.path, value, f'"{shown}" must not validate the schema (not)')


def check_lists(value: Any, schema: Json, path: str = "") -> list[Cause]:
    """Repeated items of sets and repeated keys of maps, at any depth."""
    found: list[Cause] = []
    if isinstance(value, list):
        kind = schema.get("x-kubernetes-list-type")
        if kind in {"set", "map"}:
            found += _repeated(value, schema, path)
        items = schema.get("items")
        if isinstance(items, dict):
            for at, item in enumerate(value):
                found += check_lists(item, items, f"{path}[{at}]")
    elif isinstance(value, dict):
        properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        for name, below in value.items():
            inner = properties.get(name)
            if inner is not None:
                found += check_lists(below, inner, f"{path}.{name}" if path else name)
            elif isinstance(extra, dict):
                found += check_lists(below, extra, f"{path}[{name}]")
    return found


def _repeated(value: list[Any], schema: Json, path: str) -> list[Cause]:
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    found: list[Cause] = []
    seen: set[str] = set()
    for at, item in enumerate(value):
        name = {key: item[key] for key in keys if key in item} if keys and isinstance(item, dict) else item
        text = repr(name)
        if text in seen:
            found.append(duplicate(f"{path}[{at}]", name))
        seen.add(text)
    return found
