"""How others count our requests: a function of (method, status), status 0 when there was no answer."""

from __future__ import annotations

from collections.abc import Callable

Observer = Callable[[str, int], None]


def nobody(method: str, status: int) -> None:
    """Count nothing."""
