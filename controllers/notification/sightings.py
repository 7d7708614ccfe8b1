"""Which events were heard before: each one is let through once per window (specs/notification.md 7).

In memory and bounded: when more different events arrive than it remembers, the oldest are forgotten first.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`resets_in` is the time in seconds until the same event is let through again."""

    is_new: bool
    resets_in: float


class Sightings:
    """`window` in seconds, 0 lets everything through; `clock` counts seconds."""

    def __init__(self, window: float, clock: Callable[[], float], *, most: int = _MOST) -> None:
        self._window, self._clock, self._most = window, clock, most
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ends)

    def see(self, key: bytes) -> Verdict:
        """Windows follow each other without a gap from the first sighting on; they do not slide."""
        if self._window <= 0:
            return Verdict(is_new=True, resets_in=0)
        now = self._clock()
        self._sweep(now)
        end = self._ends.get(key)
        if end is not None and now < end:
            return Verdict(is_new=False, resets_in=end - now)
        start = now if end is None else end + math.floor((now - end) / self._window) * self._window
        self._ends[key] = start + self._window
        self._ends.move_to_end(key)
        while len(self._ends) > self._most:
            self._ends.popitem(last=False)
        return Verdict(is_new=True, resets_in=start + self._window - now)

    def _sweep(self, now: float) -> None:
        """Forget what has been idle for a whole window more; the oldest stand in front."""
        while self._ends and next(iter(self._ends.values())) + self._window <= now:
            self._ends.popitem(last=False)
