"""Label selectors: `tier in (web,db),env!=dev,!old,weight>3`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from localcluster.status import bad_request

_TOKEN = re.compile(r"\s*(?:(==|!=|=|!|<|>|,|\(|\))|([^\s=!<>,()]+))")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_NAME_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_DOMAIN_TEXT = (
    "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
MAX_LENGTH = 64 * 1024


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        return value is not None and _compares(value, self.operator, next(iter(self.values)))


def _compares(value: str, operator: str, bound: str) -> bool:
    try:
        number = int(value)
    except ValueError:
        return False
    return number > int(bound) if operator == ">" else number < int(bound)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)


EVERYTHING = LabelSelector()


@lru_cache(maxsize=512)
def parse_labels(text: str) -> LabelSelector:
    """Parse a label selector; raises a 400 Refusal worded as the genuine parser words it."""
    if len(text) > MAX_LENGTH:
        raise bad_request("label selector is too long")
    return LabelSelector(_Parser(text).requirements()) if text.strip() else EVERYTHING


class _Parser:
    """Recursive descent over the tokens; `''` is the end."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while match := _TOKEN.match(text, at):
            self.tokens.append(match[1] or match[2])
            at = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        word = self.peek()
        self.at += 1
        return word

    def requirements(self) -> tuple[Requirement, ...]:
        found: list[Requirement] = []
        while True:
            if self.peek() and self.peek() != "!" and not _is_word(self.peek()):
                raise bad_request(f"found '{self.peek()}', expected: !, identifier, or 'end of string'")
            found.append(self.requirement())
            word = self.take()
            if word == "":
                return tuple(sorted(found, key=lambda each: each.key))
            if word != ",":
                raise bad_request(f"found '{word}', expected: ',' or 'end of string'")
            if self.peek() != "!" and not _is_word(self.peek()):
                raise bad_request(f"found '{self.peek()}', expected: identifier after ','")

    def requirement(self) -> Requirement:
        absent = self.peek() == "!"
        if absent:
            self.take()
        key = self.take()
        if not _is_word(key):
            raise _unparsable(f"found '{key}', expected: identifier")
        _require_key(key)
        if absent:
            return Requirement(key, "!")
        if self.peek() in ("", ","):
            return Requirement(key, "exists")
        return self.comparison(key, self.take())

    def comparison(self, key: str, operator: str) -> Requirement:
        match operator:
            case "=" | "==":
                return Requirement(key, "in", _require_values({self.exact()}))
            case "!=":
                return Requirement(key, "notin", _require_values({self.exact()}))
            case "<" | ">":
                return Requirement(key, operator, _require_integer(self.exact()))
            case "in" | "notin":
                return Requirement(key, operator, _require_values(self.value_set()))
        raise _unparsable(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")

    def exact(self) -> str:
        if self.peek() in ("", ","):
            return ""
        word = self.take()
        if not _is_word(word):
            raise _unparsable(f"found '{word}', expected: identifier")
        return word

    def value_set(self) -> set[str]:
        if (word := self.take()) != "(":
            raise _unparsable(f"found '{word}', expected: '('")
        values = {""} if self.peek() in (")", ",") else set()
        while (word := self.take()) != ")":
            if word == ",":
                if self.peek() in (",", ")"):
                    values.add("")
                continue
            if not _is_word(word):
                raise _unparsable(f"found '{word}', expected: ',' or ')'")
            values.add(word)
            if self.peek() not in (",", ")"):
                raise _unparsable(f"found '{self.peek()}', expected: ',' or ')'")
        return values


def _is_word(word: str) -> bool:
    return bool(word) and word[0] not in "=!<>,()"


def _unparsable(why: str) -> Exception:
    return bad_request(f"unable to parse requirement: {why}")


def _require_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    problems = []
    if slash and not _DOMAIN.match(prefix):
        problems.append(_DOMAIN_TEXT)
    if not name:
        problems.append("name part must be non-empty")
    if len(name) > 63:
        problems.append("name part must be no more than 63 bytes")
    if not _NAME.match(name):
        problems.append(_NAME_TEXT)
    if problems:
        raise _unparsable(f'<nil>: Invalid value: "{key}": {"; ".join(problems)}')


def _require_values(values: set[str]) -> frozenset[str]:
    for value in sorted(values):
        problems = []
        if len(value) > 63:
            problems.append("must be no more than 63 bytes")
        if value and not _NAME.match(value):
            problems.append(_VALUE_TEXT)
        if problems:
            raise _unparsable(f'values[0]: Invalid value: "{value}": {"; ".join(problems)}')
    return frozenset(values)


def _require_integer(value: str) -> frozenset[str]:
    if not re.fullmatch(r"[-+]?\d{1,19}", value):
        why = "for 'Gt', 'Lt' operators, the value must be an integer"
        raise _unparsable(f'values[0]: Invalid value: "{value}": {why}')
    return frozenset({value})


def from_object(selector: Mapping[str, Any]) -> LabelSelector:
    """A LabelSelector as objects carry it: matchLabels and matchExpressions."""
    found = [
        Requirement(key, "in", frozenset({value}))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    for expression in selector.get("matchExpressions") or ():
        operator = operators[expression["operator"]]
        found.append(Requirement(expression["key"], operator, frozenset(expression.get("values") or ())))
    return LabelSelector(tuple(found))
