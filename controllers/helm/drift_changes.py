"""How much differs between two objects, counted as a JSON patch would (specs/helm.md 15). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NOT_COMPARED = ("metadata", "status")
_WORDS = ("labels", "annotations")


@dataclass(frozen=True, slots=True)
class Changes:
    additions: int = 0
    changes: int = 0
    removals: int = 0

    def __str__(self) -> str:
        return f"{self.additions} additions, {self.changes} changes, {self.removals} removals"


def changes(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Changes:
    """From live to wanted; labels and annotations that only the live object has do not count."""
    operations = [*_content(live, wanted), *_words(live, wanted)]
    return Changes(operations.count("add"), operations.count("replace"), operations.count("remove"))


def _content(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    yield from _between(
        {key: value for key, value in live.items() if key not in _NOT_COMPARED},
        {key: value for key, value in wanted.items() if key not in _NOT_COMPARED},
    )


def _words(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for field in _WORDS:
        old = live["metadata"].get(field) or {}
        new = wanted["metadata"].get(field) or {}
        yield from (operation for operation in _between(old, new) if operation != "remove")


def _between(old: Any, new: Any) -> Iterator[str]:
    """Without recursion: what a live object holds is not ours to trust."""
    pending = [(old, new)]
    while pending:
        one, other = pending.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            yield from ("remove" for key in one.keys() - other.keys())
            yield from ("add" for key in other.keys() - one.keys())
            pending.extend((one[key], other[key]) for key in one.keys() & other.keys())
        elif isinstance(one, list) and isinstance(other, list):
            yield from ["remove"] * max(len(one) - len(other), 0)
            yield from ["add"] * max(len(other) - len(one), 0)
            pending.extend(zip(one, other, strict=False))
        elif type(one) is not type(other) or one != other:
            yield "replace"
