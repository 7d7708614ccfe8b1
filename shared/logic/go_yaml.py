"""Read YAML as Kubernetes tools do: text in, JSON values out, within bounds.

PyYAML's C parser delivers events; what a scalar, a key, a merge or a second `a:` means is
decided here by the rules of Go's libraries (see shared.logic.go_scalars). Documents are split
at `---` lines before parsing, as kubectl and kustomize do it, so that one broken document has
a line number and `---# comment` is a separator.
"""

import re
from collections.abc import Callable, Iterator
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
)

from shared.logic.go_scalars import BadScalar, Dialect, key_text, resolve, resolve_tagged
from shared.logic.go_spelling import flow_blanks, spelled
from shared.logic.go_yaml_write import write

__all__ = [
    "Dialect",
    "Document",
    "Limits",
    "YamlError",
    "find_line",
    "read_document",
    "read_documents",
    "write",
]


class YamlError(ValueError):
    """Text that is not YAML, or that goes beyond the limits. `line` counts from 1; 0 is unknown."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one text. Aliases may add no more than `alias_nodes` values (billion laughs)."""

    size_bytes: int = 64 * 2**20
    depth: int = 200
    alias_nodes: int = 200_000
    documents: int = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """One document's JSON value, and the line of the whole text that the document begins on (from 1)."""

    value: Any
    line: int


DEFAULT_LIMITS = Limits()

_SEPARATOR = re.compile(r"^---(?=[ \t\r#]|$)[^\n]*(?:\n|\Z)", re.MULTILINE)
_CONTENT = re.compile(r"^[ \t\r]*[^#\s]", re.MULTILINE)


def read_documents(
    text: str | bytes,
    *,
    limits: Limits = DEFAULT_LIMITS,
    strict: bool = False,
    dialect: Dialect = Dialect.KUBERNETES,
) -> list[Document]:
    """Every document that holds something, in order; documents of comments alone are left out.

    `strict` makes a second key of the same name an error instead of the last one's victory.
    Raises YamlError with a line of the whole text.
    """
    documents = []
    for count, (line, part) in enumerate(_split(_decode(text, limits))):
        if count >= limits.documents:
            raise YamlError(f"more than {limits.documents} documents", line)
        if _CONTENT.search(part) is not None:
            value = _Reader(part, line, limits, dialect, strict=strict).document()
            documents.append(Document(value, line))
    return documents


def read_document(
    text: str | bytes,
    *,
    limits: Limits = DEFAULT_LIMITS,
    strict: bool = False,
    dialect: Dialect = Dialect.KUBERNETES,
) -> Any:
    """The value of the first document, as Go's Unmarshal gives it; None for an empty text."""
    return _Reader(_decode(text, limits), 1, limits, dialect, strict=strict).document()


def _decode(text: str | bytes, limits: Limits) -> str:
    if len(text) > limits.size_bytes:
        raise YamlError(f"{len(text)} bytes of YAML are more than the limit of {limits.size_bytes}")
    if not isinstance(text, str):
        encoding = "utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        try:
            text = text.decode(encoding)
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise YamlError(f"invalid {encoding.upper()} text: {error.reason}", line) from error
    return text.removeprefix("\ufeff")


def _split(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each document; the text of a directive stays with its document."""
    if text.startswith("%"):
        yield 1, text
        return
    line, start = 1, 0
    for separator in _SEPARATOR.finditer(text):
        part = text[start : separator.start()]
        yield line, part
        line += part.count("\n") + 1
        start = separator.end()
        inline = _inline_content(separator.group())
        if inline:
            raise YamlError(f"invalid document separator: {separator.group().strip()}", line - 1)
    yield line, text[start:]


def _inline_content(separator: str) -> bool:
    """`--- {a: 1}` puts content on the separator's own line; kustomize and kubectl refuse it."""
    rest = separator[3:].strip()
    return bool(rest) and not rest.startswith("#")


class _Pending:
    """Stands for an anchored value while it is being read: an alias to it would be a loop."""


class _Reader:
    """One pass over the events of one document."""

    __slots__ = (
        "_anchors",
        "_copied",
        "_dialect",
        "_in_flow",
        "_limits",
        "_line",
        "_next",
        "_plain",
        "_strict",
        "_text",
    )

    def __init__(self, text: str, line: int, limits: Limits, dialect: Dialect, *, strict: bool) -> None:
        try:
            # The stubs leave the attributes of the events out.
            self._next: Callable[[], Any] = CParser(text).get_event
        except UnicodeEncodeError as error:
            raise YamlError("unpaired surrogate", line + text.count("\n", 0, error.start)) from error
        self._text = text
        self._line = line
        self._limits = limits
        self._dialect = dialect
        self._strict = strict
        self._anchors: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}
        self._copied = 0
        self._in_flow = False

    def document(self) -> Any:
        """The value of the document; whatever follows its end is not looked at."""
        try:
            self._next()  # the stream begins
            if type(event := self._next()) is StreamEndEvent:
                return None
            if type(event) is DocumentStartEvent and event.version not in (None, (1, 1)):
                raise self._error("found incompatible YAML document", event)
            value = self._value(self._next(), 0)
            if type(event := self._next()) is not DocumentEndEvent:
                raise self._error("did not find the end of the document", event)
        except YAMLError as error:
            raise self._from_parser(error) from error
        return value

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = value
            return value
        if kind is AliasEvent:
            return self._alias(event)
        if depth >= self._limits.depth:
            raise self._error(f"nested more than {self._limits.depth} levels deep", event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Pending
        outermost_flow = event.flow_style and not self._in_flow
        self._in_flow = self._in_flow or outermost_flow
        value = self._mapping(depth + 1) if kind is MappingStartEvent else self._sequence(depth + 1)
        if outermost_flow:
            self._in_flow = False
            if self._dialect is Dialect.KYAML and "" in self._plain:
                value = flow_blanks(value)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None:
            if not event.implicit[0]:
                return event.value
            try:
                return self._plain[event.value]
            except KeyError:
                pass
        text: str = event.value
        try:
            if tag is not None:
                return resolve_tagged(tag, text, self._dialect) if tag != "!" else text
            value = resolve(text, self._dialect)
            if value is not text and self._dialect is Dialect.KYAML:
                value = spelled(value, text)
            self._plain[text] = value
        except BadScalar as error:
            raise self._error(str(error), event) from error
        return value

    def _sequence(self, depth: int) -> list[Any]:
        values: list[Any] = []
        following, value = self._next, self._value
        while type(event := following()) is not SequenceEndEvent:
            values.append(value(event, depth))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merges: list[dict[str, Any]] | None = None
        following, value_of, scalar = self._next, self._value, self._scalar
        while type(event := following()) is not MappingEndEvent:
            simple = type(event) is ScalarEvent and event.anchor is None
            key: Any = scalar(event) if simple else value_of(event, depth)
            if key == "<<" and simple and event.tag is None and event.implicit[0]:
                sources = self._merge_sources(following(), depth)
                if self._dialect is Dialect.KYAML:
                    merges = [*(merges or ()), *sources]
                else:
                    for source in reversed(sources):
                        values.update(source)
                continue
            if type(key) is not str:
                key = self._key(key, event)
            if key in values and (self._strict or self._dialect is Dialect.KYAML):
                raise self._error(f"key {key!r} is already set in this mapping", event)
            event = following()
            simple = type(event) is ScalarEvent and event.anchor is None
            values[key] = scalar(event) if simple else value_of(event, depth)
        if merges is not None:
            for source in merges:
                values |= {key: value for key, value in source.items() if key not in values}
        return values

    def _key(self, key: Any, event: Any) -> str:
        text = key_text(key) if self._dialect is Dialect.KUBERNETES else None
        if text is None:
            raise self._error(f"a key must be text, not {_kind_name(key)}", event)
        return text

    def _merge_sources(self, event: Any, depth: int) -> list[dict[str, Any]]:
        value = self._value(event, depth)
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise self._error("map merge requires map or sequence of maps as the value", event)
        return sources

    def _alias(self, event: Any) -> Any:
        try:
            value = self._anchors[event.anchor]
        except KeyError:
            raise self._error(f"unknown anchor {event.anchor!r} referenced", event) from None
        if value is _Pending:
            raise self._error(f"anchor {event.anchor!r} value contains itself", event)
        return self._copy(value, event)

    def _copy(self, value: Any, event: Any) -> Any:
        """A value of its own for each alias: what patches one place must not change another."""
        if not isinstance(value, dict | list):
            return value
        self._copied += len(value) + 1
        if self._copied > self._limits.alias_nodes:
            raise self._error("document contains excessive aliasing", event)
        if isinstance(value, list):
            return [self._copy(item, event) for item in value]
        return {key: self._copy(item, event) for key, item in value.items()}

    def _error(self, message: str, event: Any) -> YamlError:
        return YamlError(message, self._line + event.start_mark.line)

    def _from_parser(self, error: YAMLError) -> YamlError:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        if mark is None:
            return YamlError(problem, self._line)
        # At the end of the text the parser points behind its last line.
        return YamlError(problem, self._line + min(mark.line, self._text.rstrip("\n").count("\n")))


def _kind_name(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def find_line(text: str, path: tuple[str | int, ...], first_line: int = 1) -> int:
    """The line that the value at `path` begins on, in the document of `text` that begins at `first_line`.

    Where the path does not exist it is the line of the deepest part that does. The text is parsed
    again, so this is for messages, not for every object.
    """
    rest = text.split("\n", first_line - 1)[-1]
    separator = _SEPARATOR.search(rest)
    next_event: Callable[[], Any] = CParser(rest[: separator.start()] if separator else rest).get_event
    line = first_line
    try:
        next_event(), next_event()
        event = next_event()
        for step in path:
            line = first_line + int(event.start_mark.line)
            found = _step(next_event, event, step)
            if found is None:
                return line
            event = found
        return first_line + int(event.start_mark.line)
    except YAMLError:
        return line


def _step(next_event: Any, event: Any, step: str | int) -> Any:
    """The event that begins the child named `step` of the collection that `event` began."""
    if type(event) is MappingStartEvent and isinstance(step, str):
        while type(key := next_event()) is not MappingEndEvent:
            if type(key) is ScalarEvent and key.value == step:
                return next_event()
            _skip(next_event, key)
            _skip(next_event, next_event())
    elif type(event) is SequenceStartEvent and isinstance(step, int):
        index = 0
        while type(item := next_event()) is not SequenceEndEvent:
            if index == step:
                return item
            _skip(next_event, item)
            index += 1
    return None


def _skip(next_event: Any, event: Any) -> None:
    depth = 0
    while True:
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1
        if depth == 0:
            return
        event = next_event()
