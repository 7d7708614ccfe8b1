"""The wire format of protocol buffers: a message as a sequence of numbered, typed values."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from localcluster.objects.errors import BadRequest

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10

Value = int | bytes
"""An integer for VARINT, raw bytes for all others."""


def fields(message: bytes) -> Iterator[tuple[int, int, Value]]:
    """Number, wire type and value of each field, in the order sent; raises BadRequest."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise _malformed()
        if wire == VARINT:
            integer, at = _varint(message, at)
            yield number, wire, integer
            continue
        if wire == BYTES:
            size, at = _varint(message, at)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise _malformed()
        if size > end - at:
            raise _malformed()
        yield number, wire, message[at : at + size]
        at += size


def varints(packed: bytes) -> Iterator[int]:
    """The values of a packed repeated field."""
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value


def signed(value: int) -> int:
    """A varint as the int32 or int64 that it encodes."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def double(raw: bytes) -> float:
    number: float = struct.unpack("<d", raw)[0]
    return number


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if at >= len(message):
            raise _malformed()
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at
    raise _malformed()


def _malformed() -> BadRequest:
    return BadRequest("the body is not a well-formed protobuf message")
