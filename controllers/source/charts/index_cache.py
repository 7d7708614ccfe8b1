"""Remember what look-ups in indexes found (spec source 11.7): off unless --helm-cache-max-size is set.

A stored index is made to be looked up in, so this saves milliseconds; it is here for those who set the
flags for Flux, and means the same to them: bounded, kept while used, refused when full.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.charts.version_choice import ChartVersion

HIT, MISS, FULL = "cache_hit", "cache_miss", "cache_full"

Key = tuple[str, str, str]
Told = Callable[[str], None]


@dataclass(slots=True)
class _Kept:
    found: ChartVersion
    ends: float


class IndexCache:
    """At most `size` answers, each until unused for `ttl`; `purge` is how often old ones are dropped."""

    def __init__(
        self, size: int, ttl: timedelta, purge: timedelta, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._size, self._ttl, self._purge = size, ttl.total_seconds(), purge.total_seconds()
        self._now = now
        self._kept: dict[Key, _Kept] = {}
        self._purged = now()

    def find(self, key: Key, told: Told) -> ChartVersion | None:
        if self._size <= 0:
            return None
        self._drop_old()
        kept = self._kept.get(key)
        if kept is None or kept.ends <= self._now():
            told(MISS)
            return None
        kept.ends = self._now() + self._ttl
        told(HIT)
        return kept.found

    def keep(self, key: Key, found: ChartVersion, told: Told) -> None:
        if self._size <= 0:
            return
        if key not in self._kept and len(self._kept) >= self._size:
            told(FULL)
            return
        self._kept[key] = _Kept(found, self._now() + self._ttl)

    def _drop_old(self) -> None:
        now = self._now()
        if now - self._purged < self._purge:
            return
        self._purged = now
        self._kept = {key: kept for key, kept in self._kept.items() if kept.ends > now}
