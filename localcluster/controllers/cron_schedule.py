"""Cron schedules: `*/15 9-17 * * mon-fri`, `@hourly`. No I/O."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = {name.lower(): at for at, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: at for at, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_YEARS = 5
_LONGEST = 256


class BadSchedule(ValueError):
    """Text that is no schedule, or a time zone that is not known."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Minutes at which something is due, in one time zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    zone: tzinfo

    def after(self, moment: datetime) -> datetime | None:
        """The first due minute after a moment, in UTC; None where none comes in the next five years."""
        local = moment.astimezone(self.zone).replace(second=0, microsecond=0, tzinfo=None)
        local += timedelta(minutes=1)
        last = local.year + _YEARS
        while local.year <= last:
            if local.month not in self.months:
                local = _next_month(local)
            elif not self._is_day(local):
                local = local.replace(hour=0, minute=0) + timedelta(days=1)
            elif local.hour not in self.hours:
                local = local.replace(minute=0) + timedelta(hours=1)
            elif local.minute not in self.minutes:
                local += timedelta(minutes=1)
            else:
                found = local.replace(tzinfo=self.zone).astimezone(UTC)
                if found > moment:
                    return found
                # The clock was put back: this minute has been already.
                local += timedelta(minutes=1)
        return None

    def _is_day(self, local: datetime) -> bool:
        by_date = local.day in self.days
        by_weekday = local.isoweekday() % 7 in self.weekdays
        return by_date or by_weekday if self.either_day else by_date and by_weekday


def parse_schedule(text: str, zone: str | None = None) -> Schedule:
    """Five fields or a macro; raises BadSchedule."""
    if len(text) > _LONGEST:
        raise BadSchedule("schedule is too long")
    fields = _MACROS.get(text, text).split()
    if len(fields) != 5:
        raise BadSchedule(f"expected exactly 5 fields, found {len(fields)}: {text!r}")
    minutes, hours, days, months, weekdays = fields
    return Schedule(
        minutes=_field(minutes, 0, 59),
        hours=_field(hours, 0, 23),
        days=_field(days, 1, 31),
        months=_field(months, 1, 12, _MONTHS),
        weekdays=_field(weekdays, 0, 6, _DAYS),
        either_day=days[0] not in "*?" and weekdays[0] not in "*?",
        zone=_zone(zone),
    )


def _zone(name: str | None) -> tzinfo:
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadSchedule(f"unknown time zone {name}") from error


def _field(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_part(part, low, high, names or {}))
    return frozenset(found)


def _part(text: str, low: int, high: int, names: dict[str, int]) -> range:
    span, slash, step_text = text.partition("/")
    step = _number(step_text, {}) if slash else 1
    if span in ("*", "?"):
        first, last = low, high
    else:
        head, dash, tail = span.partition("-")
        first = _number(head, names)
        last = _number(tail, names) if dash else high if slash else first
    if step < 1 or first < low or last > high or first > last:
        raise BadSchedule(f"out of range: {text!r}")
    return range(first, last + 1, step)


def _number(text: str, names: dict[str, int]) -> int:
    known = names.get(text.lower())
    if known is not None:
        return known
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadSchedule(f"not a number: {text!r}")
    return int(text)


def _next_month(local: datetime) -> datetime:
    first = local.replace(day=1, hour=0, minute=0)
    return (first + timedelta(days=32)).replace(day=1)
