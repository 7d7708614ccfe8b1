"""What this process remembers of a HelmRelease between two attempts. Losing it costs work, not truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controllers.helm.drift import Known
from shared.model.meta import ObjectKey


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a look at a release depends on; `storage` is the state of its records (storage_state.py)."""

    generation: int
    artifact: str
    values: str
    storage: str


@dataclass(slots=True)
class Interruption:
    """Asked for when there is something newer to do; it ends waits. `trigger` says what is newer."""

    event: asyncio.Event = field(default_factory=asyncio.Event)
    trigger: str = ""

    def request(self, trigger: str) -> None:
        if not self.event.is_set():
            self.trigger = trigger
            self.event.set()


@dataclass(slots=True)
class Remembered:
    """`settled`: the inputs with which all was found as wanted, and when. `drifted`: somebody touched it.

    `interruption` is set while it is being reconciled.
    """

    settled: Inputs | None = None
    checked: datetime | None = None
    known: Known = field(default_factory=dict)
    drifted: bool = False
    interruption: Interruption | None = None
    fetch_failures: int = 0

    def is_settled(self, inputs: Inputs, now: datetime, full_check: timedelta) -> bool:
        """Nothing has changed, and it is not too long ago that everything was looked at."""
        recent = self.checked is not None and now - self.checked < full_check
        return recent and not self.drifted and self.settled == inputs


class Memories:
    """By HelmRelease; `forgotten` is told whose memory went."""

    def __init__(self, forgotten: Callable[[ObjectKey], None]) -> None:
        self._forgotten = forgotten
        self._by_key: dict[ObjectKey, Remembered] = {}

    def of(self, key: ObjectKey) -> Remembered:
        return self._by_key.setdefault(key, Remembered())

    def find(self, key: ObjectKey) -> Remembered | None:
        return self._by_key.get(key)

    def forget(self, key: ObjectKey) -> None:
        if self._by_key.pop(key, None) is not None:
            self._forgotten(key)

    def interrupt(self, key: ObjectKey, trigger: str) -> None:
        """End the wait of the action that runs for it, if one does."""
        memory = self._by_key.get(key)
        if memory is not None and memory.interruption is not None:
            memory.interruption.request(trigger)
