"""When cron schedules are due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.controllers.cron_schedule import BadSchedule, parse_schedule


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("* * * * *", "2026-11-23T06:00:00", "2026-11-23T06:01:00"),
        ("*/15 * * * *", "2026-11-23T06:59:59", "2026-11-23T07:00:00"),
        ("5/20 * * * *", "2026-11-23T06:26:00", "2026-11-23T06:45:00"),
        ("0 3 * * *", "2026-11-23T06:00:00", "2026-11-24T03:00:00"),
        ("0 9-17/4 * * mon-fri", "2026-11-20T18:00:00", "2026-11-23T09:00:00"),
        ("0 0 29 2 *", "2026-11-23T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 13 * 5", "2026-11-08T00:00:00", "2026-11-13T00:00:00"),
        ("30 4 1,15 JAN,dec ?", "2026-11-23T00:00:00", "2026-12-01T04:30:00"),
        ("@weekly", "2026-11-23T00:00:00", "2026-11-29T00:00:00"),
        ("@yearly", "2026-11-23T00:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_the_next_time(schedule: str, after: str, expected: str) -> None:
    assert parse_schedule(schedule).after(at(after)) == at(expected)


def test_either_day_counts_where_both_are_given() -> None:
    assert parse_schedule("0 0 13 * 1").after(at("2026-11-08T00:00:00")) == at("2026-11-09T00:00:00")


def test_a_time_zone_shifts_it() -> None:
    noon_in_tokyo = parse_schedule("0 12 * * *", "Asia/Tokyo")

    assert noon_in_tokyo.after(at("2026-11-23T00:00:00")) == at("2026-11-23T03:00:00")


def test_an_hour_that_comes_twice_does_not_loop() -> None:
    schedule = parse_schedule("30 2 * * *", "Europe/Berlin")
    moment = at("2026-10-25T00:00:00")
    for _ in range(3):
        found = schedule.after(moment)
        assert found is not None
        assert found > moment
        moment = found
    assert moment < at("2026-10-29T00:00:00")


def test_a_day_that_never_comes() -> None:
    assert parse_schedule("0 0 30 2 *").after(at("2026-11-23T00:00:00")) is None


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7",
     "5-1 * * * *", "*/0 * * * *", "a * * * *", "@reboot", "1,,2 * * * *", "-1 * * * *", "9" * 300],
)  # fmt: skip
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(BadSchedule):
        parse_schedule(text)


@pytest.mark.parametrize("zone", ["Moon/Crater", "../etc/passwd", "\0"])
def test_what_is_no_time_zone(zone: str) -> None:
    with pytest.raises(BadSchedule):
        parse_schedule("* * * * *", zone)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_daily_means_within_a_day(minute: int, hour: int, moment: datetime) -> None:
    since = moment.replace(tzinfo=UTC)
    found = parse_schedule(f"{minute} {hour} * * *").after(since)

    assert found is not None
    assert 0 < (found - since).total_seconds() <= 24 * 3600
    assert (found.hour, found.minute, found.second) == (hour, minute, 0)
