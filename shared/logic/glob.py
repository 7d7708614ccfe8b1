r"""Shell globs on one path component: `*`, `?`, `[a-z]`, `[^a-z]`, `\\x`, as Go's path.Match reads them.

Python's fnmatch goes through backtracking regular expressions, which a hostile pattern such as
`*a*a*a*a*b` sends into polynomial time; here a match never costs more than pattern times name.
"""

from dataclasses import dataclass

_STAR = None

_Class = tuple[bool, tuple[tuple[str, str], ...]]
"""Negated?, and the ranges, ends included."""

_Token = str | _Class | None
"""A literal character, a class, or a star."""

_ANY_CHARACTER: _Class = (True, ())


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled glob; `tokens` is None for a malformed one, which matches nothing."""

    tokens: tuple[_Token, ...] | None
    literal: str | None = None

    def matches(self, name: str) -> bool:
        """Whether the whole name fits."""
        if self.literal is not None:
            return name == self.literal
        return self.tokens is not None and _matches(self.tokens, name)


def compile_glob(text: str) -> Glob:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "*":
            if not tokens or tokens[-1] is not _STAR:
                tokens.append(_STAR)
        elif char == "?":
            tokens.append(_ANY_CHARACTER)
        elif char == "[":
            parsed = _parse_class(text, position)
            if parsed is None:
                return Glob(None)
            token, position = parsed
            tokens.append(token)
        elif char == "\\":
            if position == len(text):
                return Glob(None)
            tokens.append(text[position])
            position += 1
        else:
            tokens.append(char)
    if all(isinstance(token, str) for token in tokens):
        return Glob(tuple(tokens), "".join(token for token in tokens if isinstance(token, str)))
    return Glob(tuple(tokens))


def _parse_class(text: str, position: int) -> tuple[_Class, int] | None:
    """Read behind the `[`; None when the class is malformed."""
    negated = text[position : position + 1] == "^"
    position += negated
    ranges: list[tuple[str, str]] = []
    while position < len(text) and (text[position] != "]" or not ranges):
        low, position = _class_character(text, position)
        high = low
        if text[position : position + 1] == "-":
            high, position = _class_character(text, position + 1)
        if not low or not high:
            return None
        ranges.append((low, high))
    if position >= len(text):
        return None
    return (negated, tuple(ranges)), position + 1


def _class_character(text: str, position: int) -> tuple[str, int]:
    """One character of a class and where the next begins; empty when there is none."""
    if text[position : position + 1] in ("-", "]"):
        return "", position
    if text[position : position + 1] == "\\":
        position += 1
    return text[position : position + 1], position + 1


def _fits(token: _Token, char: str) -> bool:
    if isinstance(token, tuple):
        negated, ranges = token
        return negated != any(low <= char <= high for low, high in ranges)
    return token == char


def _matches(tokens: tuple[_Token, ...], name: str) -> bool:
    """Greedy with one way back, to the latest star: an earlier one never has to give up more."""
    token = char = 0
    star = resume = -1
    while char < len(name):
        if token < len(tokens) and tokens[token] is _STAR:
            star, resume = token, char
            token += 1
        elif token < len(tokens) and _fits(tokens[token], name[char]):
            token += 1
            char += 1
        elif star >= 0:
            resume += 1
            token, char = star + 1, resume
        else:
            return False
    return all(rest is _STAR for rest in tokens[token:])
