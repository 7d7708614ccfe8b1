"""When an object that a registry sent away comes back."""

from __future__ import annotations

import random
from datetime import timedelta

from shared.oci.errors import TooManyRequests

_LONGEST_PAUSE = 3_600.0


def pause_of(busy: TooManyRequests) -> timedelta | None:
    """Not all at the moment that the registry named, and not never; None where it named none."""
    if busy.retry_after is None:
        return None
    spread = random.uniform(1.0, 1.1)  # noqa: S311 - spreads load, hides nothing
    return timedelta(seconds=min(busy.retry_after, _LONGEST_PAUSE) * spread + 0.1)
