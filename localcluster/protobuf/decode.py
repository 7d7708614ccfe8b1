"""From a protobuf body to the JSON form of the same object."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from localcluster.protobuf.messages import META, fields_of, message_of

MAGIC = b"k8s\x00"
_MAX_DEPTH = 64
Obj = dict[str, Any]


class Malformed(ValueError):
    """Bytes that are no such message."""


def decode(body: bytes) -> Obj:
    """The object in a body of type application/vnd.kubernetes.protobuf; raises Malformed."""
    if not body.startswith(MAGIC):
        raise Malformed("the body does not begin with k8s\\0")
    envelope = dict(_fields(body[len(MAGIC) :]))
    types = dict(_fields(_bytes(envelope.get(1, b""))))
    api_version, kind = _text(types.get(1, b"")), _text(types.get(2, b""))
    message = message_of(api_version, kind)
    if fields_of(message) is None:
        raise Malformed(f"{api_version} {kind} is not known in protobuf")
    obj = _message(_bytes(envelope.get(2, b"")), message, 0)
    return {"apiVersion": api_version, "kind": kind, **obj}


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field: an integer for numbers, bytes for everything with a length."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        match wire:
            case 0:
                value, at = _varint(data, at)
                yield number, value
            case 2:
                length, at = _varint(data, at)
                if at + length > len(data):
                    raise Malformed("a field is longer than its message")
                yield number, data[at : at + length]
                at += length
            case 1 | 5:
                length = 8 if wire == 1 else 4
                if at + length > len(data):
                    raise Malformed("a field is longer than its message")
                yield number, data[at : at + length]
                at += length
            case _:
                raise Malformed(f"unknown wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            raise Malformed("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
    raise Malformed("a number is too long")


def _message(data: bytes, message: str, depth: int) -> Obj:
    if depth > _MAX_DEPTH:
        raise Malformed("messages are nested too deeply")
    known = fields_of(message) or {}
    obj: Obj = {}
    for number, value in _fields(data):
        field = known.get(number)
        if field is None:
            continue
        name, kind = field
        if kind[0] == "*":
            obj.setdefault(name, []).extend(_items(value, kind[1:], depth))
        elif kind[0] == "%":
            key, below = _entry(_bytes(value), kind[1:], depth)
            obj.setdefault(name, {})[key] = below
        else:
            obj[name] = _value(value, kind, depth)
    return obj


def _items(value: int | bytes, kind: str, depth: int) -> Iterator[Any]:
    """One item, or (packed) all of a list of numbers."""
    if kind in ("int32", "int64", "uint32", "uint64") and isinstance(value, bytes):
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            yield _value(number, kind, depth)
    else:
        yield _value(value, kind, depth)


def _entry(data: bytes, kind: str, depth: int) -> tuple[str, Any]:
    parts = dict(_fields(data))
    empty: int | bytes = 0 if kind in ("bool", "int32", "int64") else b""
    return _text(parts.get(1, b"")), _value(parts.get(2, empty), kind, depth)


def _value(value: int | bytes, kind: str, depth: int) -> Any:
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(_bytes(value))
    match kind:
        case "string":
            return _text(value)
        case "bytes":
            return base64.b64encode(_bytes(value)).decode()
        case "bool":
            return bool(_number(value))
        case "int32" | "int64":
            number = _number(value)
            return number - (1 << 64) if number >= 1 << 63 else number
        case "uint32" | "uint64":
            return _number(value)
        case "double":
            return _double(_bytes(value))
    return _message(_bytes(value), kind, depth + 1)


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("a number stands where a text should")
    return value


def _number(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise Malformed("a text stands where a number should")
    return value


def _double(data: bytes) -> float:
    if len(data) != 8:
        raise Malformed("a number has the wrong length")
    number: float = struct.unpack("<d", data)[0]
    return number


def _text(value: int | bytes) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise Malformed("a text is not UTF-8") from error


def _moment(data: bytes) -> datetime | None:
    parts = dict(_fields(data))
    seconds, nanos = _number(parts.get(1, 0)), _number(parts.get(2, 0))
    seconds = seconds - (1 << 64) if seconds >= 1 << 63 else seconds
    if not data:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanos % 10**9 // 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed("a time is out of range") from error


def _time(data: bytes) -> str | None:
    moment = _moment(data)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _micro_time(data: bytes) -> str | None:
    moment = _moment(data)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def _int_or_string(data: bytes) -> int | str:
    parts = dict(_fields(data))
    if _number(parts.get(1, 0)) == 1:
        return _text(parts.get(3, b""))
    number = _number(parts.get(2, 0))
    return number - (1 << 64) if number >= 1 << 63 else number


def _quantity(data: bytes) -> str:
    return _text(dict(_fields(data)).get(1, b""))


def _json(data: bytes) -> Any:
    raw = _bytes(dict(_fields(data)).get(1, b""))
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError as error:
        raise Malformed("an embedded object is no JSON") from error


def _strings(data: bytes) -> list[str]:
    return [_text(value) for number, value in _fields(data) if number == 1]


_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    f"{META}.Time": _time,
    f"{META}.MicroTime": _micro_time,
    f"{META}.FieldsV1": _json,
    f"{META}.Verbs": _strings,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _quantity,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _json,
    "k8s.io.api.authentication.v1.ExtraValue": _strings,
    "k8s.io.api.authorization.v1.ExtraValue": _strings,
    "k8s.io.api.certificates.v1.ExtraValue": _strings,
}
