"""Variable substitution after the build: `${name}` and its relatives (specs/kustomize.md 7).

Works on text, as Flux does: the YAML of one resource goes in and comes out, whatever the types were.
What an expression means is in expansion.py. Time is linear in what is read and written, and bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from shared.logic import expansion
from shared.logic.expansion import BadSubstitution

MAX_CHARACTERS = 64 * 1024 * 1024
"""Read and written by all expressions of one text together; more is refused."""

MAX_OUTPUT = 16 * 1024 * 1024
MAX_DEPTH = 50
_MAX_TOLD = 253

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_NAME_PATTERN = "^[_[:alpha:]][_[:alpha:][:digit:]]*$"


class InvalidVariableName(ValueError):
    """A variable cannot be referenced by that name."""


class VariableNotSet(BadSubstitution):
    """Strict mode: nothing is set under that name, and the expression has no default."""


class SubstitutionTooLarge(BadSubstitution):
    """The text, or the work to be done for it, is out of proportion."""


def require_names(names: Mapping[str, str]) -> None:
    """Raises InvalidVariableName for the first name that no expression could refer to."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise InvalidVariableName(f"'{name}' var name is invalid, must match '{_NAME_PATTERN}'")


def one_line(value: str) -> str:
    """A variable's value as it is inserted: newlines are removed."""
    return value.replace("\n", "")


def substitute(text: str, variables: Mapping[str, str], *, strict: bool = True) -> str:
    """Expand all expressions; `$$` is a literal `$`. Values are not expanded again.

    Raises BadSubstitution: malformed expression, VariableNotSet (when strict), SubstitutionTooLarge.
    """
    run = _Run(text, variables, strict)
    pieces: list[str] = []
    size = position = 0
    while True:
        dollar = text.find("$", position)
        if dollar < 0:
            break
        following = text[dollar + 1 : dollar + 2]
        piece = text[position:dollar]
        if following == "{":
            value, position = run.expression(dollar + 2, depth=1)
            piece += value
        else:
            piece += "$"
            position = dollar + 2 if following == "$" else dollar + 1
        size += len(piece)
        if size > MAX_OUTPUT:
            raise SubstitutionTooLarge(f"the result is larger than {MAX_OUTPUT} characters")
        pieces.append(piece)
    pieces.append(text[position:])
    return "".join(pieces)


@dataclass(slots=True)
class _Run:
    """One pass over a text; positions are offsets into it."""

    text: str
    variables: Mapping[str, str]
    strict: bool
    work: int = field(default=0)

    def expression(self, position: int, depth: int) -> tuple[str, int]:
        """The value of the expression whose first character (after the brace) is at the position."""
        if depth > MAX_DEPTH:
            raise SubstitutionTooLarge(f"expressions are nested more than {MAX_DEPTH} deep")
        if self._at(position) == "#":
            return self._length(position + 1)
        name, position = self._name(position, "unable to parse variable name")
        match self._at(position):
            case "}":
                return self._value(name), position + 1
            case ":" if self._at(position + 1) in ("=", "-", "?", "+"):
                return self._default(name, position + 2, depth)
            case "=":
                return self._default(name, position + 1, depth)
            case ":":
                return self._substring(name, position + 1, depth)
            case "^" | ",":
                return self._case(name, position)
            case "/":
                return self._replace(name, position + 1, depth)
            case "#" | "%":
                return self._trim(name, position, depth)
            case _:
                raise BadSubstitution("missing closing brace")

    def _length(self, position: int) -> tuple[str, int]:
        name, position = self._name(position, "bad substitution")
        return str(len(self._value(name).encode())), self._close(position)

    def _default(self, name: str, position: int, depth: int) -> tuple[str, int]:
        pieces: list[str] = []
        while (following := self._at(position)) != "}":
            if not following:
                raise BadSubstitution("unable to parse substitution within function")
            piece, position = self._argument(position, depth, stop="}")
            pieces.append(piece)
        return self._spend(self.variables.get(name) or "".join(pieces)), position + 1

    def _case(self, name: str, position: int) -> tuple[str, int]:
        operator = self._operator(position, ("^", ","))
        value = self._value(name)
        return expansion.change_case(value, operator), self._close(position + len(operator))

    def _substring(self, name: str, position: int, depth: int) -> tuple[str, int]:
        start, position = self._argument(position, depth, stop=":}")
        length = None
        if self._at(position) == ":":
            while self._at(position) == ":":
                position += 1
            length, position = self._argument(position, depth, stop="}")
        value = self._value(name)
        return expansion.substring(value, start, length), self._close(position)

    def _replace(self, name: str, position: int, depth: int) -> tuple[str, int]:
        where = self._at(position) if self._at(position) in ("/", "#", "%") else ""
        position += len(where)
        pattern = ""
        if self._at(position) != "/":
            pattern, position = self._argument(position, depth, stop="/", escapes=True)
        if self._at(position) != "/":
            raise BadSubstitution("bad substitution")
        while self._at(position) == "/":
            position += 1
        replacement = ""
        if self._at(position) != "}":
            replacement, position = self._argument(position, depth, stop="}", escapes=True)
        value = self._value(name)
        bound = MAX_OUTPUT - len(value)
        result = expansion.replace(value, pattern, replacement, where, max_growth=bound)
        return self._spend(result), self._close(position)

    def _trim(self, name: str, position: int, depth: int) -> tuple[str, int]:
        operator = self._operator(position, (self._at(position),))
        pattern, position = self._argument(position + len(operator), depth, stop="}")
        value = self._value(name)
        self._charge(len(value) * len(pattern))
        return expansion.trim(value, pattern, operator), self._close(position)

    def _argument(self, position: int, depth: int, *, stop: str, escapes: bool = False) -> tuple[str, int]:
        """A nested expression, or text up to a stop character or the next nested expression."""
        if self.text.startswith("${", position):
            return self.expression(position + 2, depth + 1)
        pattern = _escaped_text(stop) if escapes else _plain_text(stop)
        match = pattern.match(self.text, position)
        if match is None:
            raise BadSubstitution("unable to parse substitution within function")
        piece = _ESCAPE.sub(r"\1", match[0]) if escapes else match[0]
        return self._spend(piece), match.end()

    def _name(self, position: int, complaint: str) -> tuple[str, int]:
        end = position
        while (character := self._at(end)) and (
            character == "_" or character.isalpha() or character.isdecimal()
        ):
            end += 1
        if end == position:
            raise BadSubstitution(complaint)
        return self.text[position:end], end

    def _operator(self, position: int, characters: tuple[str, ...]) -> str:
        length = 2 if self._at(position + 1) in characters else 1
        return self.text[position : position + length]

    def _close(self, position: int) -> int:
        if self._at(position) != "}":
            raise BadSubstitution("bad substitution")
        return position + 1

    def _value(self, name: str) -> str:
        value = self.variables.get(name)
        if value is None:
            if self.strict:
                raise VariableNotSet(f'variable not set (strict mode): "{name[:_MAX_TOLD]}"')
            return ""
        return self._spend(value)

    def _spend(self, result: str) -> str:
        self._charge(len(result))
        return result

    def _charge(self, characters: int) -> None:
        self.work += characters
        if self.work > MAX_CHARACTERS:
            raise SubstitutionTooLarge(f"expressions read and write more than {MAX_CHARACTERS} characters")

    def _at(self, position: int) -> str:
        return self.text[position : position + 1]


# Where escapes count, a dollar pair and an escaped slash or backslash stand for one character.
_ESCAPE = re.compile(r"(?:\$(?=\$)|\\(?=[/\\]))(.)", re.DOTALL)


@cache
def _plain_text(stop: str) -> re.Pattern[str]:
    return re.compile(rf"(?:[^${re.escape(stop)}]|\$(?!\{{))+")


@cache
def _escaped_text(stop: str) -> re.Pattern[str]:
    return re.compile(rf"(?:\$\$|\\[/\\]|[^${re.escape(stop)}]|\$(?!\{{))+")
