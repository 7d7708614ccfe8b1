"""From Kubernetes' protobuf encoding to the JSON object that it stands for.

A body is four magic bytes and a `runtime.Unknown`: apiVersion, kind, and the object's own message. What
the numbers in that message mean is read from a generated table (see `generate.py`).
"""

from __future__ import annotations

import gzip
import json
import math
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import orjson

from localcluster.objects.errors import BadRequest
from localcluster.objects.protobuf.wire import BYTES, FIXED64, VARINT, Value, double, fields, signed, varints

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\0"
_MAX_DEPTH = 64
_MAX_VALUES = 200_000
"""Two bytes can stand for an object; this bounds what a body of megabytes may become."""

_ZERO: tuple[Any, ...] = ("", 0, False, 0.0)
Json = dict[str, Any]


class _Field(NamedTuple):
    """`name` is empty for a message whose fields stand in the object itself."""

    name: str
    type: str
    omitted_when_zero: bool


def read_protobuf(body: bytes) -> Json:
    """The object in a body. Raises BadRequest for what is malformed, or of a kind that is not known."""
    if not body.startswith(_MAGIC):
        raise BadRequest("the body does not begin as Kubernetes' protobuf encoding does")
    api_version = kind = ""
    raw = b""
    for number, wire, value in fields(body[len(_MAGIC) :]):
        if number == 1 and wire == BYTES:
            texts = {n: _text(v) for n, w, v in fields(_bytes(value)) if w == BYTES}
            api_version, kind = texts.get(1, ""), texts.get(2, "")
        elif number == 2 and wire == BYTES:
            raw = _bytes(value)
    kinds = _table()["kinds"]
    message = kinds.get(f"{api_version}/{kind}") or kinds.get(f"*/{kind}")
    if message is None:
        raise BadRequest(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_Decoder().message(raw, message, 0)}


class _Decoder:
    """Decodes one body, counting what it makes."""

    def __init__(self) -> None:
        self._values = 0

    def message(self, raw: bytes, name: str, depth: int) -> Json:
        if depth > _MAX_DEPTH:
            raise BadRequest("the body is nested too deeply")
        known = _fields_of(name)
        found: Json = {}
        for number, wire, value in fields(raw):
            field = known.get(number)
            if field is not None:
                self._put(found, field, wire, value, depth)
        return found

    def _put(self, found: Json, field: _Field, wire: int, value: Value, depth: int) -> None:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise BadRequest("the body holds too many values")
        kind, element = field.type[:1], field.type[1:]
        if kind == "*":
            items = found.setdefault(field.name, [])
            if element == "int" and wire == BYTES:
                items.extend(signed(number) for number in varints(_bytes(value)))
            else:
                items.append(self._value(element, wire, value, depth))
        elif kind == "%":
            key, entry = self._entry(element, _bytes(value), depth)
            found.setdefault(field.name, {})[key] = entry
        else:
            decoded = self._value(field.type, wire, value, depth)
            if not field.name:
                found.update(decoded)
            elif decoded is not None and not (field.omitted_when_zero and decoded in _ZERO):
                found[field.name] = decoded

    def _entry(self, element: str, raw: bytes, depth: int) -> tuple[str, Any]:
        key, value = "", _EMPTY.get(element, {})
        for number, wire, part in fields(raw):
            if number == 1:
                key = _text(part)
            elif number == 2 and element.startswith("*"):
                value = [*value, self._value(element[1:], wire, part, depth)]
            elif number == 2:
                value = self._value(element, wire, part, depth)
        return key, value

    def _value(self, kind: str, wire: int, value: Value, depth: int) -> Any:
        if kind in ("int", "bool"):
            if wire != VARINT:
                raise BadRequest("the body does not fit its kind: an integer was expected")
            integer = signed(value) if isinstance(value, int) else 0
            return bool(integer) if kind == "bool" else integer
        raw = _bytes(value)
        if kind == "string":
            return _text(raw)
        if kind.startswith("@"):
            return self.message(raw, kind[1:], depth + 1)
        if kind == "double":
            return _double(wire, raw)
        if kind == "bytes":
            return b64encode(raw).decode()
        if kind.startswith("or"):
            return self._alternative(kind, raw, depth)
        return _SPECIAL[kind](raw)

    def _alternative(self, kind: str, raw: bytes, depth: int) -> Any:
        """JSONSchemaPropsOrBool, ...OrArray and ...OrStringArray: whichever of both is there."""
        schema: Json | None = None
        several: list[Any] = []
        allowed = False
        for number, wire, value in fields(raw):
            if kind == "orbool" and number == 1 and wire == VARINT:
                allowed = bool(value)
            elif kind != "orbool" and number == 2:
                several.append(
                    _text(value) if kind == "orstrings" else self.message(_bytes(value), _SCHEMA, depth + 1)
                )
            else:
                schema = self.message(_bytes(value), _SCHEMA, depth + 1)
        if schema is not None:
            return schema
        return allowed if kind == "orbool" else several


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise BadRequest("the body does not fit its kind: bytes were expected")
    return value


def _text(value: Value) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("the body holds text that is not UTF-8") from error


def _double(wire: int, raw: bytes) -> float:
    number = double(raw) if wire == FIXED64 else math.nan
    if not math.isfinite(number):
        raise BadRequest("the body does not fit its kind: a number was expected")
    return number


def _numbers(raw: bytes) -> dict[int, int]:
    return {number: signed(value) for number, _, value in fields(raw) if isinstance(value, int)}


def _time(raw: bytes, digits: str = "seconds") -> str | None:
    """None for Go's zero time."""
    parts = _numbers(raw)
    if not parts:
        return None
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(
            seconds=parts.get(1, 0), microseconds=parts.get(2, 0) // 1000
        )
    except OverflowError as error:
        raise BadRequest("the body holds a time that is out of range") from error
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")


def _micro_time(raw: bytes) -> str | None:
    return _time(raw, "microseconds")


def _duration(raw: bytes) -> str:
    """As Go writes durations that are whole milliseconds: `1.5s`."""
    nanoseconds = _numbers(raw).get(1, 0)
    text = f"{nanoseconds / 1e9:.9f}".rstrip("0").rstrip(".")
    return f"{text}s"


def _int_or_string(raw: bytes) -> int | str:
    integers = _numbers(raw)
    if integers.get(1, 0) == 0:
        return integers.get(2, 0)
    return next((_text(value) for number, _, value in fields(raw) if number == 3), "")


def _first_text(raw: bytes) -> str:
    return next((_text(value) for number, _, value in fields(raw) if number == 1), "")


def _items(raw: bytes) -> list[str]:
    return [_text(value) for number, _, value in fields(raw) if number == 1]


def _embedded_json(raw: bytes) -> Any:
    text = next((_bytes(value) for number, _, value in fields(raw) if number == 1), b"")
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError as error:
        raise BadRequest("the body embeds what is not JSON") from error


_SPECIAL = {
    "time": _time,
    "micro": _micro_time,
    "duration": _duration,
    "intstr": _int_or_string,
    "quantity": _first_text,
    "items": _items,
    "json": _embedded_json,
}
_EMPTY: dict[str, Any] = {"string": "", "int": 0, "bool": False, "bytes": "", "quantity": "0", "items": []}
_SCHEMA = "apiextensions/v1.JSONSchemaProps"


@cache
def _table() -> Json:
    packed = files("localcluster.objects").joinpath("data/protobuf.json.gz").read_bytes()
    table: Json = json.loads(gzip.decompress(packed))
    return table


@cache
def _fields_of(message: str) -> dict[int, _Field]:
    listed = _table()["messages"].get(message, {})
    return {int(number): _Field(name, kind, bool(omit)) for number, (name, kind, omit) in listed.items()}
