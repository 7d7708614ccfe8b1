"""Cron schedules: can they be read."""

from __future__ import annotations

import re

_MACROS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_EVERY = re.compile(r"@every (\d+(\.\d+)?(ns|us|ms|s|m|h))+")


def error_of(schedule: str) -> str:
    """What is wrong with a schedule; "" if it can be read."""
    text = re.sub(r"^(CRON_)?TZ=\S+\s+", "", schedule.strip())
    if text.startswith("@"):
        known = text in _MACROS or _EVERY.fullmatch(text)
        return "" if known else f"unrecognized descriptor: {text}"
    fields = text.split()
    if len(fields) != len(_RANGES):
        return f"expected exactly 5 fields, found {len(fields)}: {fields}"
    for at, field in enumerate(fields):
        for part in field.split(","):
            if wrong := _part_error(part, at):
                return wrong
    return ""


def _part_error(part: str, at: int) -> str:
    low, high = _RANGES[at]
    span, slash, step = part.partition("/")
    if slash and (not step.isdigit() or int(step) == 0):
        return f"failed to parse int from {step}: {part}"
    if span in {"*", "?"}:
        return ""
    ends = [_number(end, at) for end in span.split("-")]
    if len(ends) > 2:
        return f"too many hyphens: {part}"
    numbers = [end for end in ends if end is not None]
    if len(numbers) != len(ends):
        return f"failed to parse int from {span}: {part}"
    if numbers[0] < low:
        return f"beginning of range ({numbers[0]}) below minimum ({low}): {part}"
    if numbers[-1] > high:
        return f"end of range ({numbers[-1]}) above maximum ({high}): {part}"
    if numbers[0] > numbers[-1]:
        return f"beginning of range ({numbers[0]}) beyond end of range ({numbers[-1]}): {part}"
    return ""


def _number(text: str, at: int) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return int(text)
    names = {3: _MONTHS, 4: _DAYS}.get(at, [])
    if text.lower() in names:
        return names.index(text.lower()) + (1 if at == 3 else 0)
    return None
