"""Durations as Go and the CRDs write them: `1h30m`, `1.5m`, `500ms` (specs/source.md 1.2)."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_TERM = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_MAX_SECONDS = 9_223_372_036  # Go's Duration is int64 nanoseconds
_MAX_TEXT = 64


class InvalidDuration(ValueError):
    """The text is not a duration."""


def parse_duration(text: str) -> timedelta:
    """Raises InvalidDuration; a bare `0` is allowed as in Go, signs are not."""
    if text == "0":
        return timedelta(0)
    position, seconds = 0, 0.0
    while position < len(text) <= _MAX_TEXT:
        term = _TERM.match(text, position)
        if term is None:
            break
        seconds += float(term[1]) * _UNITS[term[2]]
        position = term.end()
    if position == 0 or position != len(text) or seconds > _MAX_SECONDS:
        raise InvalidDuration(f"invalid duration {text[:_MAX_TEXT]!r}: write it like 10m, 1h30m or 500ms")
    return timedelta(seconds=seconds)


def render_duration(value: timedelta) -> str:
    """As Go prints a time.Duration: `1m0s`, `1h0m0s`, `1.5s`, `250ms`, `0s`."""
    micros = round(value.total_seconds() * 1e6)
    if micros == 0:
        return "0s"
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    if micros < 1_000:
        return f"{sign}{micros}µs"
    if micros < 1_000_000:
        return f"{sign}{_trim(micros / 1_000)}ms"
    minutes, rest = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_trim(rest / 1e6)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _trim(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
