"""SOPS documents of sections with `key = value`, as Go's ini library reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.metadata import Metadata, unflatten
from controllers.kustomize.sops.opener import Opener
from controllers.kustomize.sops.tree import METADATA_KEY, Branch, Plain, decoded, leaf_text, opened
from controllers.kustomize.sops.values import Comment

_QUOTES = ('"""', "`", '"', "'")
_DEFAULT_SECTION = "DEFAULT"

_Items = list[tuple[str | Comment, Any]]


@dataclass(frozen=True, slots=True)
class IniDocument:
    metadata: Metadata
    tree: Branch

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Raises DocumentInvalid."""
        root = Branch(_Lines(decoded(content)).sections())
        metadata = root.find(METADATA_KEY)
        if not isinstance(metadata, Branch):
            raise DocumentInvalid("there is no section [sops]")
        flat = [(key, value.replace("\\n", "\n")) for key, value in metadata.items if isinstance(key, str)]
        return cls(Metadata.parse(unflatten(flat)), root.without(METADATA_KEY))

    def open(self, opener: Opener) -> Plain:
        return Plain(opened(self.tree, opener))


class _Lines:
    """One pass over the lines. A comment belongs to the section or, after it, to the key that follows."""

    __slots__ = ("_comment", "_rest", "_sections")

    def __init__(self, text: str) -> None:
        self._rest = iter(enumerate(text.splitlines(), start=1))
        self._comment = ""
        self._sections: list[tuple[str | Comment, Any]] = [(_DEFAULT_SECTION, Branch([]))]

    def sections(self) -> _Items:
        items: _Items = []
        for number, raw in self._rest:
            line = raw.strip()
            if not line:
                continue
            if line[0] in "#;":
                self._comment += ("\n" if self._comment else "") + line
            elif line[0] == "[":
                items = []
                self._sections.append((self._section_name(line, number), Branch(items)))
                self._take_comment(items)
            else:
                if len(self._sections) == 1 and not items:
                    self._sections[0] = (_DEFAULT_SECTION, Branch(items))
                items.append(self._pair(line, number))
                self._take_comment(items)
        return self._sections

    def _take_comment(self, items: _Items) -> None:
        if self._comment:
            # The library keeps the marks of all lines but the first.
            items.append((Comment(self._comment.lstrip(self._comment[0] + " ")), None))
            self._comment = ""

    def _section_name(self, line: str, number: int) -> str:
        end = line.rfind("]")
        if end < 2:
            raise DocumentInvalid(f"line {number} is not a section")
        return line[1:end].strip()

    def _pair(self, line: str, number: int) -> tuple[str, str]:
        name, value = self._split(line, number)
        for quote in _QUOTES[:2]:
            if value.startswith(quote):
                return name, self._multiline(value.removeprefix(quote), quote, number)
        for position in (value.find("#"), value.find(";")):
            if position >= 0 and (position == 0 or value[position - 1].isspace()):
                self._comment = value[position:]
                value = value[:position].strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        return name, value

    def _split(self, line: str, number: int) -> tuple[str, str]:
        for quote in _QUOTES[:3]:
            if line.startswith(quote):
                name, closed, rest = line.removeprefix(quote).partition(quote)
                if closed and rest.lstrip()[:1] in ("=", ":"):
                    return name, rest.lstrip()[1:].strip()
        position = min((at for at in (line.find("="), line.find(":")) if at >= 0), default=-1)
        if position < 1:
            raise DocumentInvalid(f"line {number} is not key = value")
        return line[:position].strip(), line[position + 1 :].strip()

    def _multiline(self, value: str, quote: str, number: int) -> str:
        parts = []
        while quote not in value:
            parts.append(value)
            following = next(self._rest, None)
            if following is None:
                raise DocumentInvalid(f"the value in line {number} is not closed")
            value = following[1]
        parts.append(value[: value.index(quote)])
        return "\n".join(parts)


def ini_content(tree: Branch) -> bytes:
    """Raises DocumentInvalid for a tree that is not sections of keys."""
    sections = []
    for name, section in tree.items:
        if isinstance(name, Comment):
            continue
        if not isinstance(section, Branch):
            raise DocumentInvalid(f"{name!r} is not a section of an ini file")
        if section.items or name != _DEFAULT_SECTION:
            sections.append(_section(name, section))
    return "\n".join(sections).encode("utf-8", "surrogateescape")


def _section(name: str, section: Branch) -> str:
    lines, items = [], list(section.items)
    if items and isinstance(first := items[0][0], Comment):
        lines.append(_comment(first.text))
        items.pop(0)
    if name != _DEFAULT_SECTION:
        lines.append(f"[{name}]\n")
    names = [_name(key) for key, _ in items if isinstance(key, str)]
    width = max(map(len, names), default=0)
    for position, (key, value) in enumerate(items):
        if isinstance(key, Comment):
            continue
        if isinstance(value, Branch | list):
            raise DocumentInvalid(f"{key!r} has fields of its own, which an ini file cannot hold")
        follower = items[position + 1][0] if position + 1 < len(items) else None
        if isinstance(follower, Comment):
            lines.append(_comment(follower.text))
        lines.append(f"{_name(key):<{width}} = {_value(leaf_text(value))}\n")
    return "".join(lines)


def _comment(text: str) -> str:
    return "".join(f"{line}\n" if line[:1] in ("#", ";") else f"; {line}\n" for line in text.split("\n"))


def _name(key: str) -> str:
    if '"' in key or "=" in key or ":" in key:
        return f'"""{key}"""' if "`" in key else f"`{key}`"
    return f'"""{key}"""' if "`" in key else key


def _value(text: str) -> str:
    if "\n" in text or "`" in text:
        return f'"""{text}"""'
    if "#" in text or ";" in text:
        return f"`{text}`"
    return f'"{text}"' if text.strip() != text else text
