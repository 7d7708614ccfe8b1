"""What an apply or a prune did to each object, and how that is told (specs/kustomize.md 8.4, 15)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Self

from shared.model.meta import ObjectRef


class Action(StrEnum):
    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


_WRITES = frozenset({Action.CREATED, Action.CONFIGURED, Action.DELETED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One object and what was done to it."""

    ref: ObjectRef
    action: Action

    def __str__(self) -> str:
        return f"{self.ref} {self.action}"


@dataclass(slots=True)
class ChangeSet:
    """Entries in the order in which they happened."""

    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def of(cls, pairs: Iterable[tuple[ObjectRef, Action]]) -> Self:
        return cls([Entry(ref, action) for ref, action in pairs])

    def add(self, ref: ObjectRef, action: Action) -> None:
        self.entries.append(Entry(ref, action))

    def extend(self, entries: Iterable[Entry]) -> None:
        self.entries.extend(entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def refs(self, *actions: Action) -> list[ObjectRef]:
        """The objects of these actions; of all when none is named."""
        return [entry.ref for entry in self.entries if not actions or entry.action in actions]

    @property
    def writes(self) -> list[Entry]:
        """What the cluster noticed."""
        return [entry for entry in self.entries if entry.action in _WRITES]

    def render(self) -> str:
        """One line an entry: `Deployment/apps/web configured`."""
        return "\n".join(map(str, self.entries))

    def render_writes(self) -> str:
        """The change log of events: what was created, configured or deleted."""
        return "\n".join(map(str, self.writes))

    def render_grouped(self) -> str:
        """By action, for logs: `created: A, B` (feature gate GroupChangeLog)."""
        ordered = sorted(self.entries, key=lambda entry: list(Action).index(entry.action))
        return "\n".join(
            f"{action}: {', '.join(str(entry.ref) for entry in group)}"
            for action, group in groupby(ordered, key=lambda entry: entry.action)
        )
