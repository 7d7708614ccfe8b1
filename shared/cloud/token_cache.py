"""Short-lived tokens, kept for 80 % of their life (specs/source.md 7.2)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import timedelta
from typing import Generic, TypeVar

_SHARE_OF_LIFETIME = 0.8


T = TypeVar("T")


class TokenCache(Generic[T]):
    """At most `size` entries, the longest unused goes first; none is kept longer than `longest`."""

    def __init__(self, size: int, longest: timedelta, now: Callable[[], float] = time.time) -> None:
        self._size, self._longest, self._now = size, longest.total_seconds(), now
        self._kept: OrderedDict[Hashable, tuple[T, float]] = OrderedDict()

    def find(self, key: Hashable) -> T | None:
        found = self._kept.get(key)
        if found is None or found[1] <= self._now():
            return None
        self._kept.move_to_end(key)
        return found[0]

    def keep(self, key: Hashable, token: T, expires: float) -> None:
        """`expires` in seconds of the epoch."""
        life = min((expires - self._now()) * _SHARE_OF_LIFETIME, self._longest)
        if life <= 0:
            return
        self._kept[key] = (token, self._now() + life)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
