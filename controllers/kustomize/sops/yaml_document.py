"""SOPS documents in YAML: the file stays as it is, but for its values and its encrypted comments."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.metadata import Metadata
from controllers.kustomize.sops.opener import Opener
from controllers.kustomize.sops.tree import (
    METADATA_KEY,
    Branch,
    Plain,
    branch_of,
    decoded,
    json_of,
    require_text,
)
from controllers.kustomize.sops.values import Comment
from controllers.kustomize.sops.yaml_nodes import Entry, Nodes, Scalar, find_nodes
from controllers.kustomize.sops.yaml_scalar import rendered
from shared.logic.go_yaml import Dialect, YamlError, read_document, write

_ENCRYPTED_COMMENT = re.compile(r"#(ENC\[AES256_GCM,[^\]\n]*\])")

_Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class YamlDocument:
    metadata: Metadata
    text: str
    nodes: Nodes

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Raises DocumentInvalid."""
        text = decoded(content).replace("\r\n", "\n")
        nodes = find_nodes(text)
        first = [entry for entry in _metadata_entries(nodes) if entry.document == 0]
        if len(first) != 1:
            raise DocumentInvalid("there is no sops block, or more than one")
        return cls(Metadata.parse(_parsed(_lines_of(text, first[0])).get(METADATA_KEY)), text, nodes)

    def open(self, opener: Opener) -> Plain:
        edits = [*self._values(opener), *self._comments(opener), *self._without_metadata()]
        plain = _edited(self.text, edits)
        # Of several documents only this way out knows the first; the layout holds them all.
        tree = branch_of(_parsed(plain) if plain.strip() else {})
        return Plain(tree, plain.encode())

    def _values(self, opener: Opener) -> Iterator[_Edit]:
        for scalar in self.nodes.scalars:
            if scalar.path[:1] == (METADATA_KEY,):
                continue
            value = opener.leaf(scalar.path, scalar.value)
            if value is scalar.value:
                continue
            if isinstance(value, Comment):
                yield self._comment_in_list(scalar, value)
            else:
                plain = require_text(value) if type(value) is str else value
                yield scalar.start, scalar.end, rendered(plain, scalar)

    def _comment_in_list(self, scalar: Scalar, comment: Comment) -> _Edit:
        """A comment among a list's items is encrypted as an item; its dash becomes the comment's mark."""
        dash = self.text.rfind("-", 0, scalar.start)
        if not scalar.in_list or scalar.in_flow or self.text[dash + 1 : scalar.start].strip():
            raise DocumentInvalid("a value is a comment where none can stand")
        return dash, scalar.end, "#" + " ".join(require_text(comment.text).splitlines())

    def _comments(self, opener: Opener) -> Iterator[_Edit]:
        spans = iter([*self.nodes.spans, (len(self.text) + 1, len(self.text) + 1)])
        span = next(spans)
        for match in _ENCRYPTED_COMMENT.finditer(self.text):
            while span[1] <= match.start():
                span = next(spans)
            if span[0] <= match.start():
                continue  # inside of a value, where it is text
            text = self._comment_text(match, opener)
            if text is not None:
                yield from self._comment(match, " ".join(require_text(text).splitlines()))

    def _comment(self, match: re.Match[str], text: str) -> Iterator[_Edit]:
        """In its place; one that stands after a value goes above it, which is where SOPS puts it."""
        line = self.text.rfind("\n", 0, match.start()) + 1
        before = self.text[line : match.start()]
        indent = before[: len(before) - len(before.lstrip())]
        if before == indent or before.lstrip().startswith("- "):
            yield match.start(1), match.end(1), text
        else:
            yield line, line, f"{indent}#{text}\n"
            yield line + len(before.rstrip()), match.end(), ""

    def _comment_text(self, match: re.Match[str], opener: Opener) -> str | None:
        """A comment belongs to one of the mappings around it; only for the right one it decrypts."""
        position = bisect_left(self.nodes.scalars, match.start(), key=lambda scalar: scalar.start)
        around = self.nodes.scalars[max(position - 1, 0) : position + 1]
        candidates = {scalar.path[:length] for scalar in around for length in range(len(scalar.path) + 1)}
        for path in sorted(candidates, key=len, reverse=True):
            text = opener.comment(path, match.group(1))
            if text is not None:
                return text
        return None

    def _without_metadata(self) -> Iterator[_Edit]:
        for entry in _metadata_entries(self.nodes):
            start, end = _line_span(self.text, entry)
            yield start, end, ""


def yaml_content(tree: Branch) -> bytes:
    """A tree of another format as YAML. Raises DocumentInvalid."""
    return write(json_of(tree), sort_keys=False).encode()


def _metadata_entries(nodes: Nodes) -> list[Entry]:
    entries = [entry for entry in nodes.entries if entry.key == METADATA_KEY]
    if any(entry.in_flow for entry in entries):
        raise DocumentInvalid("the sops block stands in a flow mapping")
    return entries


def _lines_of(text: str, entry: Entry) -> str:
    start, end = _line_span(text, entry)
    return text[start:end]


def _line_span(text: str, entry: Entry) -> tuple[int, int]:
    """Whole lines, from the entry's key to the end of its value."""
    start = text.rfind("\n", 0, entry.start) + 1
    if text[entry.end - 1] == "\n":
        return start, entry.end  # a block scalar ends after its last line break
    end = text.find("\n", entry.end)
    return start, len(text) if end < 0 else end + 1


def _edited(text: str, edits: list[_Edit]) -> str:
    parts, position = [], 0
    for start, end, new in sorted(edits):
        if start < position:
            continue  # within the sops block, which is gone
        parts += [text[position:start], new]
        position = end
    return "".join([*parts, text[position:]])


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = read_document(text, dialect=Dialect.KYAML)
    except YamlError as error:
        raise DocumentInvalid(f"not YAML: {error}") from error
    return value if isinstance(value, dict) else {}
