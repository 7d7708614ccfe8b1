"""Read a repository's index.yaml as a stream: one version of one chart in memory at a time.

The parser's events are read straight from the file. Aliases are refused, so no text can mean more than
it is long. Scalars are read by the rules of Go's libraries, as everywhere (shared.logic.go_scalars).
"""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from shared.charts.index_items import MAX_CHARTS, Field, IndexInvalid, Item
from shared.logic.go_scalars import BadScalar, Dialect, resolve, resolve_tagged

_MAX_DEPTH = 32
_MAX_SCALAR = 1024 * 1024
_KEPT = ("apiVersion", "generated")


def read_yaml(source: BinaryIO) -> Iterator[Item | Field]:
    """Each chart's beginning and versions in the order of the file. Raises IndexInvalid."""
    reader = _Reader(source)
    try:
        yield from reader.index()
    except YAMLError as error:
        raise IndexInvalid(_said(error)) from error


class _Reader:
    def __init__(self, source: BinaryIO) -> None:
        # The stubs leave the attributes of the events out.
        self._next: Callable[[], Any] = CParser(source).get_event

    def index(self) -> Iterator[Item | Field]:
        self._next()  # the stream begins
        if type(self._next()) is StreamEndEvent:
            raise IndexInvalid("the index is empty")
        for key, event in self._pairs(self._next()):
            if key == "entries":
                yield from self._entries(event)
            elif key in _KEPT and type(event) is ScalarEvent:
                yield Field(key, self._scalar(event))
            else:
                self._skip(event)

    def _entries(self, event: Any) -> Iterator[Item]:
        if _is_null(event):
            return
        for chart, versions in self._pairs(event):
            yield Item(chart)
            if _is_null(versions):
                continue
            if type(versions) is not SequenceStartEvent:
                raise _invalid(f"the versions of chart {chart[:100]!r} are no list", versions)
            while type(each := self._next()) is not SequenceEndEvent:
                if _is_null(each):
                    continue
                if type(each) is not MappingStartEvent:
                    raise _invalid(f"a version of chart {chart[:100]!r} is no mapping", each)
                yield Item(chart, self._mapping(each, 1))

    def _pairs(self, event: Any) -> Iterator[tuple[str, Any]]:
        """Keys and the first events of their values, which the caller must read to their ends."""
        if type(event) is not MappingStartEvent:
            raise _invalid("a mapping is expected", event)
        seen = set[str]()
        while type(key := self._next()) is not MappingEndEvent:
            name = self._key(key)
            if name in seen:
                raise _invalid(f"key {name[:100]!r} is already set in this mapping", key)
            seen.add(name)
            if len(seen) > MAX_CHARTS:
                raise _invalid(f"more than {MAX_CHARTS} keys in one mapping", key)
            yield name, self._next()

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            raise _invalid("aliases are not allowed in an index", event)
        if depth >= _MAX_DEPTH:
            raise _invalid(f"nested more than {_MAX_DEPTH} levels deep", event)
        if kind is MappingStartEvent:
            return self._mapping(event, depth + 1)
        values: list[Any] = []
        while type(each := self._next()) is not SequenceEndEvent:
            values.append(self._value(each, depth + 1))
        return values

    def _mapping(self, event: Any, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        following = self._next
        while type(key := following()) is not MappingEndEvent:
            name = self._key(key)
            if name in values:
                raise _invalid(f"key {name[:100]!r} is already set in this mapping", key)
            event = following()
            values[name] = self._scalar(event) if type(event) is ScalarEvent else self._value(event, depth)
        return values

    def _key(self, event: Any) -> str:
        if type(event) is not ScalarEvent:
            raise _invalid("a key must be text", event)
        text: str = event.value
        return text

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if len(text) > _MAX_SCALAR:
            raise _invalid(f"text of {len(text)} characters, at most {_MAX_SCALAR} are read", event)
        try:
            if event.tag is not None:
                return resolve_tagged(event.tag, text, Dialect.KUBERNETES) if event.tag != "!" else text
            return resolve(text, Dialect.KUBERNETES) if event.implicit[0] else text
        except BadScalar as error:
            raise _invalid(str(error), event) from error

    def _skip(self, event: Any) -> None:
        depth = 0
        while True:
            if type(event) in (MappingStartEvent, SequenceStartEvent):
                depth += 1
            elif type(event) in (MappingEndEvent, SequenceEndEvent):
                depth -= 1
            elif type(event) is AliasEvent:
                raise _invalid("aliases are not allowed in an index", event)
            if depth == 0:
                return
            event = self._next()


def _is_null(event: Any) -> bool:
    return type(event) is ScalarEvent and event.implicit[0] and event.value in ("", "~", "null")


def _invalid(message: str, event: Any) -> IndexInvalid:
    return IndexInvalid(f"line {event.start_mark.line + 1}: {message}")


def _said(error: YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
