"""As much of protobuf's wire format as a trace needs: messages, text, bytes and 64-bit numbers."""

from __future__ import annotations

from collections.abc import Iterator

Field = tuple[int, "bytes | str | int"]
_FIXED64, _DELIMITED, _VARINT = 1, 2, 0


def message(*fields: Field) -> bytes:
    """Fields in order; numbers are varints."""
    return b"".join(part for field in fields for part in _encoded(*field))


def fixed64(number: int, value: int) -> bytes:
    """One field of the type fixed64, to be joined with others."""
    return _varint(number << 3 | _FIXED64) + value.to_bytes(8, "little")


def _encoded(number: int, value: bytes | str | int) -> Iterator[bytes]:
    if isinstance(value, int):
        yield _varint(number << 3 | _VARINT)
        yield _varint(value)
        return
    raw = value.encode() if isinstance(value, str) else value
    yield _varint(number << 3 | _DELIMITED)
    yield _varint(len(raw))
    yield raw


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
