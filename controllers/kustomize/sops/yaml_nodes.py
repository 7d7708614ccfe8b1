"""Where the values of a YAML file stand in its text.

A decrypted YAML file is the encrypted one with its values replaced, so that comments, order and
layout stay as they are. For that, every scalar is found with its path and its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.tree import MAX_DEPTH
from shared.logic.go_scalars import BadScalar, Dialect, resolve, resolve_tagged

# An encrypted value takes a hundred bytes, and a file at most 5 MiB.
_MAX_NODES = 100_000


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that is no collection.

    `start` and `end` are positions in the text; `column` is that of its key, or its own in a list.
    `path` holds the keys above, without list positions.
    """

    document: int
    path: tuple[str, ...]
    value: Any
    start: int
    end: int
    column: int
    in_list: bool
    in_flow: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of a document's outermost mapping: from its key to the end of its last scalar."""

    document: int
    key: str
    start: int
    end: int
    in_flow: bool


@dataclass(frozen=True, slots=True)
class Nodes:
    """In the order of the text. `spans` are the places of all scalars, keys too."""

    scalars: list[Scalar]
    entries: list[Entry]
    spans: list[tuple[int, int]]


@dataclass(slots=True)
class _Frame:
    mapping: bool
    flow: bool
    path: tuple[str, ...]
    key: str | None = None
    key_column: int = 0


def find_nodes(text: str) -> Nodes:
    """Raises DocumentInvalid; aliases are refused, since a value would stand in two places."""
    try:
        return _Finder().nodes(_events(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise DocumentInvalid(f"not YAML: {problem}{where}") from error


def _events(text: str) -> Iterator[Any]:
    try:
        following = CParser(text).get_event
    except UnicodeEncodeError as error:
        raise DocumentInvalid("not YAML: an unpaired surrogate") from error
    while not isinstance(event := following(), StreamEndEvent):
        yield event


class _Finder:
    """A stack of open collections; the innermost says what the next event is."""

    __slots__ = ("_document", "_entry_start", "_found", "_last_end", "_stack")

    def __init__(self) -> None:
        self._found = Nodes([], [], [])
        self._stack: list[_Frame] = []
        self._document = -1
        self._entry_start: int | None = None
        self._last_end = 0

    def nodes(self, events: Iterator[Any]) -> Nodes:
        for event in events:
            match event:
                case StreamStartEvent() | DocumentEndEvent():
                    pass
                case DocumentStartEvent():
                    self._document += 1
                case AliasEvent():
                    raise DocumentInvalid("aliases are not supported in an encrypted file")
                case MappingStartEvent() | SequenceStartEvent():
                    self._open(event)
                case MappingEndEvent() | SequenceEndEvent():
                    self._close(event)
                case ScalarEvent():
                    self._scalar(event)
        return self._found

    def _open(self, event: Any) -> None:
        above = self._stack[-1] if self._stack else None
        if above is not None and above.mapping and above.key is None:
            raise DocumentInvalid("a key of the file is not text")
        if above is None and not isinstance(event, MappingStartEvent):
            raise DocumentInvalid("not a YAML mapping")
        if len(self._stack) >= MAX_DEPTH:
            raise DocumentInvalid(f"nested more than {MAX_DEPTH} levels deep")
        flow = bool(event.flow_style)
        self._stack.append(_Frame(isinstance(event, MappingStartEvent), flow, self._path()))

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        if frame.flow:
            self._last_end = event.end_mark.index
        self._value_done()

    def _scalar(self, event: Any) -> None:
        if len(self._found.spans) >= _MAX_NODES:
            raise DocumentInvalid(f"more than {_MAX_NODES} values")
        start, end = event.start_mark.index, event.end_mark.index
        self._found.spans.append((start, end))
        self._last_end = end
        frame = self._stack[-1] if self._stack else None
        value = _value(event)
        if frame is None:
            if value is not None:
                raise DocumentInvalid("not a YAML mapping")
        elif frame.mapping and frame.key is None:
            self._key(frame, value, event)
        else:
            column = frame.key_column if frame.mapping else event.start_mark.column
            self._found.scalars.append(
                Scalar(self._document, self._path(), value, start, end, column, not frame.mapping, frame.flow)
            )
            self._value_done()

    def _key(self, frame: _Frame, value: Any, event: Any) -> None:
        if not isinstance(value, str):
            raise DocumentInvalid(f"the key in line {event.start_mark.line + 1} is not text")
        frame.key, frame.key_column = value, event.start_mark.column
        if len(self._stack) == 1:
            self._entry_start = event.start_mark.index

    def _value_done(self) -> None:
        if not self._stack:
            return
        frame = self._stack[-1]
        if not frame.mapping:
            return
        if len(self._stack) == 1 and frame.key is not None and self._entry_start is not None:
            self._found.entries.append(
                Entry(self._document, frame.key, self._entry_start, self._last_end, frame.flow)
            )
        frame.key = None

    def _path(self) -> tuple[str, ...]:
        if not self._stack:
            return ()
        frame = self._stack[-1]
        return (*frame.path, frame.key) if frame.mapping and frame.key is not None else frame.path


def _value(event: Any) -> Any:
    try:
        if event.tag is not None:
            return event.value if event.tag == "!" else resolve_tagged(event.tag, event.value, Dialect.KYAML)
        return resolve(event.value, Dialect.KYAML) if event.implicit[0] else event.value
    except BadScalar as error:
        raise DocumentInvalid(f"line {event.start_mark.line + 1}: {error}") from error
