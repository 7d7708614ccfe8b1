"""spec.pathPattern: directories of a source, for each of which the artifacts are made once (13.5): pure."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from controllers.source.generation.paths import TreePath
from shared.model.generator import Copy, Output

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_NAME = 253
_MAX_OUTPUTS = 10_000


class PatternInvalid(Exception):
    """The pattern, or what it finds, cannot become artifacts; only a change of the spec or source helps."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One artifact to make, and the labels that its ExternalArtifact gets for it."""

    output: Output
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PathPattern:
    """Where directories are looked for; `expression` matches their paths, in linear time."""

    text: str
    alias: str
    expression: Any

    @classmethod
    def parse(cls, text: str, *, aliases: Container[str]) -> "PathPattern":
        """Of one of these sources. Raises PatternInvalid."""
        import re2

        alias, slash, path = text.removeprefix("@").partition("/")
        if not text.startswith("@") or not alias or not slash:
            raise PatternInvalid(f"invalid pathPattern format: {text}")
        if alias not in aliases:
            raise PatternInvalid(f"pathPattern '{text}': source alias '{alias}' not found")
        names = [piece.name for piece in _pieces(path) if piece.name]
        for name in names:
            if names.count(name) > 1:
                raise PatternInvalid(f"pathPattern '{text}': duplicate capture variable '{name}'")
            if _LABEL_KEY.fullmatch(name) is None:
                raise PatternInvalid(f"pathPattern '{text}': variable '{name}' is not a valid label key")
        parts = (f"(?P<{p.name}>[^/]+)" if p.name else re2.escape(p.literal) for p in _pieces(path))
        try:
            return cls(text, alias, re2.compile("".join(parts)))
        except re2.error as error:
            raise PatternInvalid(f"pathPattern '{text}' is too complex") from error

    def captures(self, path: TreePath) -> Mapping[str, str] | None:
        """What the variables stand for in this directory's path; None where it does not fit."""
        try:
            match = self.expression.fullmatch("/".join(path))
        except UnicodeEncodeError:
            return None  # the name is no text, and so no label either
        return None if match is None else match.groupdict()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A literal, or a variable's name."""

    literal: str = ""
    name: str = ""


def _pieces(text: str) -> Iterator[_Piece]:
    """Raises PatternInvalid for braces that do not name a variable."""
    position = 0
    while position < len(text):
        if text[position] == "}":
            raise PatternInvalid(f"'{text}': a closing brace without an opening one")
        if text[position] != "{":
            end = next((i for i in range(position, len(text)) if text[i] in "{}"), len(text))
            yield _Piece(literal=text[position:end])
            position = end
            continue
        end = text.find("}", position)
        name = text[position + 1 : end] if end > 0 else ""
        if _VARIABLE.fullmatch(name) is None:
            raise PatternInvalid(f"'{text}': '{{' must begin a variable such as {{name}}")
        yield _Piece(name=name)
        position = end + 1


def expand(pattern: PathPattern, outputs: Iterable[Output], folders: Iterable[TreePath]) -> list[Wanted]:
    """The artifacts of every directory that fits. Raises PatternInvalid."""
    templates = tuple(outputs)
    wanted: list[Wanted] = []
    owners: dict[str, str] = {}
    for folder in folders:
        raw = pattern.captures(folder)
        if raw is None:
            continue
        shown = "/".join(folder)
        labels = _labels(pattern, raw)
        for template in templates:
            output = _rendered(template, raw, labels)
            if not is_name(output.name):
                raise PatternInvalid(
                    f"pathPattern '{pattern.text}': '{output.name}' for '{shown}' is not a valid object name"
                )
            if output.name in owners:
                raise PatternInvalid(
                    f"pathPattern '{pattern.text}': directories '{owners[output.name]}' and '{shown}' "
                    f"both resolve to artifact name '{output.name}'"
                )
            owners[output.name] = shown
            wanted.append(Wanted(output, labels))
            if len(wanted) > _MAX_OUTPUTS:
                raise PatternInvalid(f"pathPattern '{pattern.text}': more than {_MAX_OUTPUTS} artifacts")
    return wanted


def is_name(text: str) -> bool:
    """Whether an object may be called so."""
    return len(text) <= _MAX_NAME and _DNS_SUBDOMAIN.fullmatch(text) is not None


def _labels(pattern: PathPattern, raw: Mapping[str, str]) -> Mapping[str, str]:
    labels = {name: value.lower() for name, value in raw.items()}
    for name, value in labels.items():
        if _LABEL_VALUE.fullmatch(value) is None:
            raise PatternInvalid(
                f"pathPattern '{pattern.text}': '{value[:100]}' of '{name}' is not a valid label value"
            )
    return labels


def _rendered(template: Output, raw: Mapping[str, str], lowered: Mapping[str, str]) -> Output:
    copies = tuple(
        Copy(_filled(copy.source, raw), _filled(copy.target, raw), copy.exclude, copy.strategy)
        for copy in template.copies
    )
    return replace(template, name=_filled(template.name, lowered), copies=copies)


def _filled(text: str, values: Mapping[str, str]) -> str:
    parts: list[str] = []
    for piece in _pieces(text):
        if piece.name and piece.name not in values:
            raise PatternInvalid(f"'{text}': variable '{piece.name}' is not defined by pathPattern")
        parts.append(values[piece.name] if piece.name else piece.literal)
    return "".join(parts)
