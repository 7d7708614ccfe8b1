"""Read a repository's index in JSON as a stream: one version of one chart in memory at a time.

The file is mapped, not read; a scanner finds where each version begins and ends, and orjson reads it.
"""

import mmap
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from shared.charts.index_items import MAX_CHARTS, Field, IndexInvalid, Item

_MAX_VERSION_BYTES = 4 * 1024 * 1024
_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
# A string that does not end is a mark, too: nothing behind it must be taken for structure.
_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.DOTALL)
_WORD = re.compile(rb"[-+.0-9A-Za-z]++")
_KEPT = ("apiVersion", "generated")


def read_json(source: BinaryIO) -> Iterator[Item | Field]:
    """Each chart's beginning and versions in the order of the file. Raises IndexInvalid."""
    with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield from _Reader(text).index()


class _Reader:
    """`_at` is where reading goes on; every method leaves it behind what it has read."""

    def __init__(self, text: mmap.mmap) -> None:
        self._text = text
        self._at = 0

    def index(self) -> Iterator[Item | Field]:
        for key in self._keys():
            if key == "entries":
                yield from self._entries()
            elif key in _KEPT:
                yield Field(key, self._value())
            else:
                self._skip()
        self._peek()
        if self._at != len(self._text):
            raise self._invalid("there is something behind the index")

    def _entries(self) -> Iterator[Item]:
        if self._peek() == b"n":
            self._value()
            return
        for chart in self._keys():
            yield Item(chart)
            if self._peek() == b"n":
                self._value()
                continue
            for _ in self._elements():
                version = self._value()
                if version is None:
                    continue
                if not isinstance(version, dict):
                    raise self._invalid(f"a version of chart {chart[:100]!r} is no object")
                yield Item(chart, version)

    def _keys(self) -> Iterator[str]:
        """The keys of an object; whoever asks for the next must have read the value."""
        seen = set[str]()
        for _ in self._members(b"{", b"}"):
            key = self._value()
            if not isinstance(key, str):
                raise self._invalid("a key is no text")
            if key in seen:
                raise self._invalid(f"key {key[:100]!r} is already set in this object")
            seen.add(key)
            if len(seen) > MAX_CHARTS:
                raise self._invalid(f"more than {MAX_CHARTS} keys in one object")
            self._take(b":")
            yield key

    def _elements(self) -> Iterator[None]:
        return self._members(b"[", b"]")

    def _members(self, begin: bytes, end: bytes) -> Iterator[None]:
        self._take(begin)
        if self._peek() != end:
            yield
            while self._peek() == b",":
                self._take(b",")
                yield
        self._take(end)

    def _value(self) -> Any:
        start = self._skip()
        if self._at - start > _MAX_VERSION_BYTES:
            raise self._invalid(f"a value is longer than {_MAX_VERSION_BYTES} bytes")
        try:
            return orjson.loads(self._text[start : self._at])
        except orjson.JSONDecodeError as error:
            raise self._invalid(str(error)) from error

    def _skip(self) -> int:
        """Move behind the value that comes next; returns where it begins."""
        first, start = self._peek(), self._at
        if first in (b"{", b"["):
            self._at = self._closing(start)
            return start
        found = (_STRING if first == b'"' else _WORD).match(self._text, start)
        if found is None:
            raise self._invalid("a value is expected")
        self._at = found.end()
        return start

    def _closing(self, start: int) -> int:
        depth = 0
        for mark in _MARK.finditer(self._text, start):
            match mark[0][:1]:
                case b"{" | b"[":
                    depth += 1
                case b"}" | b"]":
                    depth -= 1
            if depth == 0:
                return mark.end()
        raise self._invalid("the index ends too early")

    def _peek(self) -> bytes:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, wanted: bytes) -> None:
        if self._peek() != wanted:
            raise self._invalid(f"{wanted.decode()!r} is expected")
        self._at += 1

    def _invalid(self, message: str) -> IndexInvalid:
        return IndexInvalid(f"byte {self._at}: {message}")
