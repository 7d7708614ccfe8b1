"""Kubernetes label selectors: `app in (a, b), tier!=db, !legacy`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_MAX_LENGTH = 8_192
_KEY = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PART = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<no>{_KEY})"
    rf"|(?P<key>{_KEY})(?:\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)"
    rf"|\s*(?P<op>==|=|!=)\s*(?P<value>{_VALUE})?)?)\s*(?:,(?=.)|\Z)",
    re.DOTALL,
)


class InvalidSelector(ValueError):
    """The text is no label selector."""


@dataclass(frozen=True, slots=True)
class _Requirement:
    """`values` None asks for presence alone; `negated` also holds for what is absent."""

    key: str
    values: frozenset[str] | None
    negated: bool

    def holds(self, labels: Mapping[str, str]) -> bool:
        present = self.key in labels and (self.values is None or labels[self.key] in self.values)
        return present is not self.negated


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; an empty selector matches everything."""

    requirements: tuple[_Requirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InvalidSelector."""
        if len(text) > _MAX_LENGTH:
            raise InvalidSelector(f"a selector of {len(text)} characters, at most {_MAX_LENGTH} are read")
        requirements: list[_Requirement] = []
        position = 0
        while position < len(text.rstrip()):
            match = _PART.match(text, position)
            if match is None:
                raise InvalidSelector(f"unable to parse selector {text!r} at character {position}")
            requirements.append(_requirement(match))
            position = match.end()
        return cls(tuple(requirements))

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.holds(labels) for requirement in self.requirements)


def _requirement(match: re.Match[str]) -> _Requirement:
    if match["absent"]:
        return _Requirement(match["no"], None, negated=True)
    if match["set"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return _Requirement(match["key"], values, negated=match["set"] == "notin")
    if match["op"]:
        return _Requirement(match["key"], frozenset({match["value"] or ""}), negated=match["op"] == "!=")
    return _Requirement(match["key"], None, negated=False)


def render_match_labels(selector: object) -> str:
    """A LabelSelector object (matchLabels, matchExpressions) as text; empty when it selects nothing."""
    if not isinstance(selector, Mapping):
        return ""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for requirement in selector.get("matchExpressions") or ():
        key, values = requirement["key"], ",".join(requirement.get("values") or ())
        match requirement["operator"]:
            case "In" | "NotIn" as operator:
                parts.append(f"{key} {operator.lower()} ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
    return ",".join(parts)
