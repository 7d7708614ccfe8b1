import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.duration import InvalidDuration, parse_duration, render_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("1h30m", 5400), ("1.5m", 90), ("500ms", 0.5), ("0", 0), ("1h0m0.5s", 3600.5)],
)
def test_durations_are_read_as_go_reads_them(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1 m", "1d", "1m2", "9" * 70 + "h", "1e3s"])
def test_others_are_refused(text):
    with pytest.raises(InvalidDuration):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (60, "1m0s"),
        (3600, "1h0m0s"),
        (5405, "1h30m5s"),
        (0.0005, "500µs"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds, text):
    assert render_duration(timedelta(seconds=seconds)) == text


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3000)))
def test_writing_and_reading_undo_each_other(value):
    assert abs(parse_duration(render_duration(value)) - value) <= timedelta(microseconds=1)


@given(st.text(max_size=30))
def test_bad_text_fails_in_one_way(text):
    with contextlib.suppress(InvalidDuration):
        assert parse_duration(text) >= timedelta(0)
