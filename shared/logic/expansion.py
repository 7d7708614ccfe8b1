"""What the operators of a `${...}` expression do to a value (specs/kustomize.md 7.3)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_MAX_PATTERN = 1024


class BadSubstitution(ValueError):
    """The text cannot be expanded; the message says why in the words that Flux uses."""


def change_case(value: str, operator: str) -> str:
    """`^` and `,` the first character, `^^` and `,,` all; character by character, as Go does."""
    change = _CASES.get(operator)
    return value if change is None else change(value)


def _upper(text: str) -> str:
    return "".join(up if len(up := character.upper()) == 1 else character for character in text)


def _lower(text: str) -> str:
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


_CASES: Mapping[str, Callable[[str], str]] = {
    "^": lambda value: _upper(value[:1]) + value[1:],
    "^^": _upper,
    ",": lambda value: _lower(value[:1]) + value[1:],
    ",,": _lower,
}


def substring(value: str, start: str, length: str | None) -> str:
    """Counts bytes; a negative start or length counts from the end; what is no number changes nothing."""
    if not _INTEGER.fullmatch(start) or (length is not None and not _INTEGER.fullmatch(length)):
        return value
    raw = value.encode()
    begin = int(start) if int(start) >= 0 else max(len(raw) + int(start), 0)
    end = len(raw)
    if length is not None:
        end = begin + int(length) if int(length) >= 0 else len(raw) + int(length)
    return raw[begin : max(begin, end)].decode(errors="replace")


def replace(value: str, pattern: str, replacement: str, where: str, *, max_growth: int) -> str:
    """`where` is "" (the first), "/" (all), "#" (a prefix) or "%" (a suffix); the pattern is literal.

    Raises BadSubstitution when the value would grow by more than `max_growth` characters.
    """
    count = value.count(pattern) if where == "/" else 1
    if count * (len(replacement) - len(pattern)) > max_growth:
        raise BadSubstitution(f"a replacement grows by more than {max_growth} characters")
    match where:
        case "/":
            return value.replace(pattern, replacement)
        case "#":
            return replacement + value[len(pattern) :] if value.startswith(pattern) else value
        case "%":
            return value[: len(value) - len(pattern)] + replacement if value.endswith(pattern) else value
        case _:
            return value.replace(pattern, replacement, 1)


def trim(value: str, pattern: str, operator: str) -> str:
    """Cut off the shortest (`#`, `%`) or longest (`##`, `%%`) prefix or suffix that the glob matches.

    `*` matches slashes too. A malformed glob changes nothing.
    """
    try:
        glob = _parse_glob(pattern)
    except re.error:
        return value
    suffix = operator[0] == "%"
    subject = value[::-1] if suffix else value
    if suffix:
        glob = glob.reversed()
    end = glob.longest(subject) if len(operator) == 2 else glob.shortest(subject)
    rest = subject[end:] if end else subject
    return rest[::-1] if suffix else rest


@dataclass(frozen=True, slots=True)
class _Glob:
    """Runs of fixed-length elements (each a regex without quantifiers) with a `*` between any two."""

    runs: tuple[tuple[str, ...], ...]

    def reversed(self) -> _Glob:
        return _Glob(tuple(run[::-1] for run in self.runs[::-1]))

    def shortest(self, subject: str) -> int:
        """Where the shortest non-empty match of a prefix ends; 0 when there is none."""
        end = self._leading(subject, len(self.runs))
        return min(max(end, 1), len(subject)) if end is not None else 0

    def longest(self, subject: str) -> int:
        """Where the longest match of a prefix ends; 0 when there is none."""
        if len(self.runs) == 1:
            return self._leading(subject, 1) or 0
        begin = self._leading(subject, len(self.runs) - 1)
        if begin is None:
            return 0
        last = self.runs[-1]
        if not last:
            return len(subject)
        found = deque(re.finditer(f"(?=({''.join(last)}))", subject[begin:], re.DOTALL), maxlen=1)
        return begin + found[0].end(1) if found else 0

    def _leading(self, subject: str, count: int) -> int | None:
        """Where the first runs end when each is matched as early as possible."""
        position = 0
        for index, run in enumerate(self.runs[:count]):
            pattern = re.compile("".join(run), re.DOTALL)
            match = pattern.search(subject, position) if index else pattern.match(subject)
            if match is None:
                return None
            position = match.end()
        return position


@lru_cache(maxsize=256)
def _parse_glob(pattern: str) -> _Glob:
    """Raises re.error for a glob that path.Match of Go refuses."""
    if len(pattern) > _MAX_PATTERN:
        raise BadSubstitution(f"a pattern is longer than {_MAX_PATTERN} characters")
    runs: list[list[str]] = [[]]
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "*":
            runs.append([])
            position += 1
            continue
        element, position = _element(pattern, position)
        runs[-1].append(element)
    inner = [run for run in runs[1:-1] if run]
    if len(runs) == 1:
        return _Glob((tuple(runs[0]),))
    return _Glob(tuple(map(tuple, (runs[0], *inner, runs[-1]))))


def _element(pattern: str, position: int) -> tuple[str, int]:
    match pattern[position]:
        case "?":
            return ".", position + 1
        case "[":
            return _character_class(pattern, position + 1)
        case "\\":
            if position + 1 == len(pattern):
                raise re.error("a backslash at the end")
            return re.escape(pattern[position + 1]), position + 2
        case character:
            return re.escape(character), position + 1


_CLASS = re.compile(r"(\^?)((?:(?:\\.|[^\]\\-])(?:-(?:\\.|[^\]\\-]))?)+)\]", re.DOTALL)
_RANGE = re.compile(r"(\\.|[^\]\\-])(?:-(\\.|[^\]\\-]))?", re.DOTALL)


def _character_class(pattern: str, position: int) -> tuple[str, int]:
    match = _CLASS.match(pattern, position)
    if match is None:
        raise re.error("an unclosed or empty character class")
    ranges = [
        (low.removeprefix("\\") or "\\", (high or low).removeprefix("\\") or "\\")
        for low, high in _RANGE.findall(match[2])
    ]
    members = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
    if not members:
        return ("." if match[1] else r"(?!.)."), match.end()
    return f"[{match[1]}{members}]", match.end()
