"""One gate for each host: who is asked to wait by a registry makes everybody wait (demands 3.3 item 59).

A host that answers 429 means the address that we come from, not the object on whose behalf we asked; so
whoever shares `Gates` shares the pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_MANY = 1_000


class Gates:
    """Which hosts are not to be asked before when. `now` is in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._opens: dict[str, float] = {}

    def remaining(self, host: str) -> float:
        """Seconds until that host may be asked; nothing when it may."""
        return max(0.0, self._opens.get(host, 0.0) - self._now())

    def close(self, host: str, seconds: float) -> None:
        """Ask it nothing for so long; a gate that is closed for longer stays so."""
        if len(self._opens) >= _MANY:
            now = self._now()
            self._opens = {name: opens for name, opens in self._opens.items() if opens > now}
        self._opens[host] = max(self._opens.get(host, 0.0), self._now() + seconds)
