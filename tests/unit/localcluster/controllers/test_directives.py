"""Flags and annotations by which the simulation is directed."""

from __future__ import annotations

import argparse
import math

import pytest

from localcluster.controllers.directives import FAIL, FINISH_AFTER, READY_AFTER, Directives, Failure
from localcluster.controllers.settings import (
    WorkloadSettings,
    add_workload_flags,
    parse_duration,
    read_workload_flags,
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0.0), ("200ms", 0.2), ("2s", 2.0), ("1m30s", 90.0), ("1.5h", 5400.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1s ", "1d", "1e9s", "1s" * 100])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], WorkloadSettings(enabled=True, delay=0.2)),
        (["--no-workloads"], WorkloadSettings(enabled=False, delay=0.2)),
        (["--workload-delay", "1m"], WorkloadSettings(enabled=True, delay=60.0)),
    ],
)
def test_flags(argv: list[str], expected: WorkloadSettings) -> None:
    parser = argparse.ArgumentParser()
    add_workload_flags(parser)

    assert read_workload_flags(parser.parse_args(argv)) == expected


def test_a_flag_that_is_no_duration_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_workload_flags(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["--workload-delay", "soon"])
    assert "not a duration: 'soon'" in capsys.readouterr().err


def test_without_annotations_all_takes_the_usual_time() -> None:
    assert Directives.read(0.2, {}) == Directives(0.2, 0.2, None)


def test_the_first_annotations_win_one_by_one() -> None:
    own = {READY_AFTER: "3s"}
    owners = {READY_AFTER: "9s", FAIL: "CrashLoopBackOff", FINISH_AFTER: "never"}

    assert Directives.read(0.2, own, owners) == Directives(3.0, math.inf, Failure.CRASH_LOOP)


def test_what_cannot_be_understood_counts_as_absent() -> None:
    nonsense = {READY_AFTER: "soon", FINISH_AFTER: "", FAIL: "gracefully"}

    assert Directives.read(0.2, nonsense) == Directives(0.2, 0.2, None)
