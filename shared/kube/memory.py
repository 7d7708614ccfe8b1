"""What an applier remembers of the objects of one owner, so that nothing changed costs nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.model.kinds import Resource
from shared.model.meta import ObjectKey, ObjectRef


@dataclass(frozen=True, slots=True)
class Record:
    """The object was as desired (by digest) at that version; `ready` says that it was healthy too."""

    resource: Resource
    key: ObjectKey
    uid: str
    version: str
    digest: bytes
    ready: bool


@dataclass(slots=True)
class Memory:
    """Of one owner in one cluster. Losing it costs requests, never correctness.

    Everything is forgotten, and so checked in full, after `full_check_after` (give or take a tenth).
    """

    owner: ObjectKey
    full_check_after: timedelta = timedelta(hours=1)
    _records: dict[ObjectRef, Record] = field(default_factory=dict)
    _forget_at: float = float("-inf")
    _settling: tuple[frozenset[ObjectRef], float] = (frozenset(), 0.0)

    def __len__(self) -> int:
        return len(self._records)

    def find(self, ref: ObjectRef) -> Record | None:
        return self._records.get(ref)

    def keep(self, ref: ObjectRef, record: Record) -> None:
        self._records[ref] = record

    def mark_ready(self, ref: ObjectRef) -> None:
        record = self._records.get(ref)
        if record is not None:
            self._records[ref] = replace(record, ready=True)

    def forget(self, ref: ObjectRef) -> None:
        self._records.pop(ref, None)

    def forget_all(self) -> None:
        self._records.clear()

    def forget_others(self, refs: Iterable[ObjectRef]) -> None:
        """Only these objects are still desired."""
        wanted = set(refs)
        self._records = {ref: record for ref, record in self._records.items() if ref in wanted}

    def resources(self) -> set[Resource]:
        return {record.resource for record in self._records.values()}

    def settles_since(self, refs: Iterable[ObjectRef], now: float) -> float:
        """When the wait for these objects began; a wait for others is a new one."""
        waited = frozenset(refs)
        if not waited <= self._settling[0]:
            self._settling = (waited, now)
        return self._settling[1]

    def settled(self) -> None:
        self._settling = (frozenset(), 0.0)

    def age(self, now: float) -> None:
        """`now` is the loop's clock, in seconds."""
        if now >= self._forget_at:
            self.forget_all()
            spread = random.uniform(0.9, 1.1)  # noqa: S311 - so that owners do not all check at once
            self._forget_at = now + self.full_check_after.total_seconds() * spread
