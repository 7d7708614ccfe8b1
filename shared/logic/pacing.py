"""How often to answer when the same thing goes wrong again and again.

The first few times are answered at once. Then the delay doubles, so that two controllers that undo
each other's work do not keep a cluster busy; quiet makes it forget.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_AT_ONCE = 4
_FIRST_DELAY = 2.0
_LONGEST_DELAY = 300.0
_QUIET_SECONDS = 600.0
FIGHT = 5
"""So many repairs of one object, with little quiet in between, are a fight."""

_MAX_DOUBLINGS = 12


@dataclass(slots=True)
class _Recurrence:
    count: int
    since: float
    last: float
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Fight(Generic[K]):
    """`repairs` times in `seconds` somebody undid what we had written."""

    key: K
    repairs: int
    seconds: float


class Pacing(Generic[K]):
    """Counts recurrences by key. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._known: dict[K, _Recurrence] = {}

    def note(self, key: K, now: float) -> float:
        """It happened; returns the seconds to wait before doing something about it."""
        known = self._known.get(key)
        if known is None or now - known.last > _QUIET_SECONDS:
            self._forget_quiet(now)
            known = self._known[key] = _Recurrence(0, now, now)
        known.count, known.last = known.count + 1, now
        if known.count <= _AT_ONCE:
            return 0.0
        return min(_FIRST_DELAY * 2.0 ** min(known.count - _AT_ONCE - 1, _MAX_DOUBLINGS), _LONGEST_DELAY)

    def note_repair(self, key: K) -> int:
        """We had to write because of it; returns how often that was so."""
        known = self._known.get(key)
        if known is None:
            return 0
        known.repairs += 1
        return known.repairs

    def fights(self, now: float) -> Iterator[Fight[K]]:
        """What was repaired often, and lately."""
        for key, known in self._known.items():
            if known.repairs >= FIGHT and now - known.last <= _QUIET_SECONDS:
                yield Fight(key, known.repairs, now - known.since)

    def _forget_quiet(self, now: float) -> None:
        for key in [key for key, known in self._known.items() if now - known.last > _QUIET_SECONDS]:
            del self._known[key]
