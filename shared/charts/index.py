"""Bring a repository's index into the form that is stored (index_store.py), as a stream.

Never more than one chart is in memory, and of one with very many versions only a part.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from shared.charts.index_items import Field, IndexInvalid, Item
from shared.charts.index_json import read_json
from shared.charts.index_store import BEGIN, heading
from shared.charts.index_yaml import read_yaml
from shared.charts.metadata import InvalidMetadata, Metadata
from shared.logic.semver import Version

_END_OF_CHART = b"\n]"
# A chart with more versions stays in the order of its author: sorting means holding.
_MAX_SORTED = 10_000
_MAX_SORTED_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """How much of an index could be used: `dropped` versions were no chart's."""

    charts: int
    versions: int
    dropped: int


def rewrite_index(source: BinaryIO, sink: BinaryIO) -> Written:
    """Read an index, YAML or JSON, and write it in the stored form. Raises IndexInvalid, OSError."""
    writer = _Writer(sink)
    try:
        _copy(_items(source), writer)
    except IndexInvalid:
        raise
    except (UnicodeError, RecursionError, ValueError) as error:
        raise IndexInvalid("the index is not readable text") from error
    return writer.finish()


def _items(source: BinaryIO) -> Iterator[Item | Field]:
    start = source.read(4096).lstrip()
    source.seek(0)
    return read_json(source) if start.startswith(b"{") else read_yaml(source)


def _copy(items: Iterator[Item | Field], writer: "_Writer") -> None:
    for item in items:
        if isinstance(item, Field):
            writer.fields[item.name] = item.value
        elif item.version is None:
            writer.begin_chart(item.chart)
        else:
            writer.add(item.version)


@dataclass(slots=True)
class _Writer:
    sink: BinaryIO
    fields: dict[str, Any] = field(default_factory=dict)
    _held: list[tuple[Version, bytes]] = field(default_factory=list)
    _held_bytes: int = 0
    _in_chart: bool = False
    _is_first: bool = True
    _charts: int = 0
    _versions: int = 0
    _dropped: int = 0

    def __post_init__(self) -> None:
        self.sink.write(BEGIN)

    def begin_chart(self, name: str) -> None:
        self._end_chart()
        self.sink.write((b",\n" if self._charts else b"") + heading(name))
        self._charts += 1
        self._in_chart = self._is_first = True

    def add(self, raw: dict[str, Any]) -> None:
        """Keep a version if it is a chart's; Helm drops the others silently, too."""
        raw["apiVersion"] = raw.get("apiVersion") or "v1"
        try:
            metadata = Metadata.parse(raw)
        except InvalidMetadata:
            self._dropped += 1
            return
        raw["name"], raw["version"] = metadata.name, metadata.version
        self._versions += 1
        # A copy: what orjson returns keeps its whole buffer, ten times its length.
        line = bytes(memoryview(orjson.dumps(raw)))
        self._held.append((Version.parse(metadata.version), line))
        self._held_bytes += len(line)
        if len(self._held) > _MAX_SORTED or self._held_bytes > _MAX_SORTED_BYTES:
            self._flush()

    def finish(self) -> Written:
        self._end_chart()
        if not self.fields.get("apiVersion"):
            raise IndexInvalid("no API version specified")
        self.sink.write(b"\n}")
        for name, value in self.fields.items():
            self.sink.write(b"," + orjson.dumps(name) + b":" + orjson.dumps(value))
        self.sink.write(b"}\n")
        return Written(self._charts, self._versions, self._dropped)

    def _end_chart(self) -> None:
        if self._in_chart:
            self._held.sort(key=lambda pair: pair[0].precedence(), reverse=True)
            self._flush()
            self.sink.write(_END_OF_CHART)
        self._in_chart = False

    def _flush(self) -> None:
        for _, line in self._held:
            self.sink.write((b"\n" if self._is_first else b",\n") + line)
            self._is_first = False
        self._held.clear()
        self._held_bytes = 0
