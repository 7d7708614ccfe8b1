"""Where the scalars of a YAML text are, with the comments that belong to them (spec image 14.2). Pure.

Comments are attached as Go's yaml.v3 attaches them: a trailing one to the value before it, and the line
above an item of a list to that item.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    StreamEndEvent,
)

_MAX_DEPTH = 200
_MAX_DOCUMENTS = 100_000

_PROPERTIES = re.compile(r"(?:(?:&[^\s,\[\]{}]+|![^\s]*)\s+)+")
_TRAILING = re.compile(r"[ \t]+(#[^\r\n]*)")
_TRAILING_IN_FLOW = re.compile(r"(?:[ \t]*,)?[ \t]+(#[^\r\n]*)")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\r\n]*)")
_ITEM = re.compile(r"[ \t]*(?:-[ \t]+)+")
_INDENT = re.compile(r"[ \t]*")


class UnreadableYaml(ValueError):
    """The text is no YAML that holds objects."""


@dataclass(frozen=True, slots=True)
class ObjectId:
    """Which object a document is; fields may be empty."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value: from `start` with anchor and tag, from `content` without, to `end`, in characters.

    `style` is its quote or block indicator, or nothing; `number` counts events; `document` documents.
    """

    value: str
    style: str
    start: int
    content: int
    end: int
    comments: tuple[str, ...]
    number: int
    document: int


@dataclass(slots=True)
class Scanned:
    """`gist` is what the text says: (kind of event, anchor, value) of each."""

    scalars: list[Scalar] = field(default_factory=list)
    objects: list[ObjectId] = field(default_factory=list)
    gist: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Frame:
    """A collection that is open: its last key, and whether a key comes next."""

    is_map: bool
    in_flow: bool
    wants_key: bool
    key: str = ""
    seen: set[str] = field(default_factory=set)


def scan(text: str) -> Scanned:
    """Every value that has a comment. Raises UnreadableYaml, also for keys that are there twice and for
    documents that are no mappings.
    """
    try:
        return _Scan(text).run()
    except YAMLError as error:
        raise UnreadableYaml(str(error).splitlines()[0]) from error


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._frames: list[_Frame] = []
        self._identity: dict[str, str] = {}
        self._found = Scanned()

    def run(self) -> Scanned:
        following: Callable[[], Any] = CParser(self._text).get_event
        while type(event := following()) is not StreamEndEvent:
            self._take(event)
        return self._found

    def _take(self, event: Any) -> None:
        kind = type(event)
        anchor = getattr(event, "anchor", None) or ""
        value = event.value if kind is ScalarEvent else ""
        self._found.gist.append((kind.__name__, anchor, value))
        if kind is ScalarEvent:
            self._scalar(event)
        elif isinstance(event, CollectionStartEvent):
            self._open(event)
        elif isinstance(event, CollectionEndEvent):
            self._frames.pop()
            self._node_ended("")
        elif kind is AliasEvent:
            self._require_object()
            self._node_ended("")
        elif kind is DocumentStartEvent:
            self._identity = {}
            if len(self._found.objects) >= _MAX_DOCUMENTS:
                raise UnreadableYaml(f"more than {_MAX_DOCUMENTS} documents")
        elif kind is DocumentEndEvent:
            known = self._identity
            self._found.objects.append(ObjectId(*(known.get(name, "") for name in _IDENTITY.values())))

    def _open(self, event: Any) -> None:
        is_map = type(event) is MappingStartEvent
        if not self._frames and not is_map:
            raise UnreadableYaml("a document that is no mapping")
        if len(self._frames) >= _MAX_DEPTH:
            raise UnreadableYaml(f"nested more than {_MAX_DEPTH} levels deep")
        self._frames.append(_Frame(is_map, bool(event.flow_style), wants_key=is_map))

    def _require_object(self) -> None:
        if not self._frames:
            raise UnreadableYaml("a document that is no mapping")

    def _scalar(self, event: Any) -> None:
        if not self._frames and event.value == "" and not event.style:
            return  # a document of comments alone
        self._require_object()
        if not self._frames[-1].wants_key:
            self._remember(event.value)
            self._keep(event)
        self._node_ended(event.value)

    def _node_ended(self, text: str) -> None:
        if not self._frames:
            return
        frame = self._frames[-1]
        if not frame.is_map:
            return
        if frame.wants_key:
            if text and text != "<<" and text in frame.seen:
                raise UnreadableYaml(f"key {text!r} is already set in this mapping")
            frame.seen.add(text)
            frame.key = text
        frame.wants_key = not frame.wants_key

    def _remember(self, value: str) -> None:
        path = ".".join(frame.key for frame in self._frames) if len(self._frames) <= 2 else ""
        if path in _IDENTITY and self._frames[-1].is_map:
            self._identity[_IDENTITY[path]] = value

    def _keep(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        properties = _PROPERTIES.match(self._text, start, end) if event.anchor or event.tag else None
        content = properties.end() if properties else start
        style = event.style or ""
        comments = self._comments(style, start, content, end)
        if comments and content < end:
            number = len(self._found.gist) - 1
            self._found.scalars.append(
                Scalar(event.value, style, start, content, end, comments, number, len(self._found.objects))
            )

    def _comments(self, style: str, start: int, content: int, end: int) -> tuple[str, ...]:
        """The trailing one first, as it comes before the one above."""
        frame = self._frames[-1]
        if style in {"|", ">"}:
            trailing = _BLOCK_HEADER.match(self._text, content, end)
        else:
            trailing = (_TRAILING_IN_FLOW if frame.in_flow else _TRAILING).match(self._text, end)
        above = "" if frame.is_map or style in {"|", ">"} else self._above(start, in_flow=frame.in_flow)
        return tuple(filter(None, (trailing[1] if trailing else "", above)))

    def _above(self, start: int, *, in_flow: bool) -> str:
        """The line before an item that begins its own line, if it is a comment, and the only one there."""
        text, line = self._text, start
        # Backwards over what may stand before an item, and no further: lines may be very long.
        while line and text[line - 1] in " \t-":
            line -= 1
        if (
            line == 0
            or text[line - 1] != "\n"
            or not (_INDENT if in_flow else _ITEM).fullmatch(text, line, start)
        ):
            return ""
        before = text.rfind("\n", 0, line - 1) + 1
        comment = text[before : line - 1].strip()
        if not comment.startswith("#"):
            return ""
        earlier = text[text.rfind("\n", 0, max(before - 1, 0)) + 1 : max(before - 1, 0)].strip()
        return "" if earlier.startswith("#") else comment


_IDENTITY = {
    "apiVersion": "api_version",
    "kind": "kind",
    "metadata.name": "name",
    "metadata.namespace": "namespace",
}
