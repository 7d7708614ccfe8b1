"""How figures are shown: beside their targets, beside an earlier run, and as a plot."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.__main__ import RELEASES, SCENARIOS
from tests.bench.cost import Cost, below
from tests.bench.report import missed, read_json, table, write_json, write_plot
from tests.bench.targets import TARGETS, target

RESULTS = {
    "P1 cold install": {"Kustomizations": 100.0, "seconds to all ready": 13.0},
    "P16 kills": {"stuck objects": 0.0},
    "P3 commit to applied": {"p95 s": 0.5},
}


def test_what_is_above_its_target_is_missed() -> None:
    assert missed(RESULTS) == ["P1 cold install: seconds to all ready"]


def test_a_target_of_nothing_is_missed_by_anything() -> None:
    assert missed({"P16 kills": {"stuck objects": 1.0}}) == ["P16 kills: stuck objects"]


@pytest.mark.parametrize(
    ("count", "seconds"), [(10, 3.0), (100, 12.0), (1000, 120.0)], ids=["least", "hundred", "thousand"]
)
def test_the_target_of_a_cold_install_grows_with_it(count: int, seconds: float) -> None:
    figures = {"Kustomizations": float(count), "seconds to all ready": 1.0}
    assert target("P1 cold install", "seconds to all ready", figures) == pytest.approx(seconds)


def test_the_table_shows_target_and_trend() -> None:
    shown = table(RESULTS, {"P3 commit to applied": {"p95 s": 0.25}}).splitlines()
    assert any("13.000   MISSED (at most 12)" in line for line in shown)
    assert any("met (at most 1)   was 0.250 (+100 %)" in line for line in shown)


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "smoke", RESULTS)
    assert read_json(tmp_path / "a.json") == RESULTS


def test_the_plot_has_a_bar_for_each_target(tmp_path: Path) -> None:
    write_plot(tmp_path / "a.svg", RESULTS)
    tree = ET.parse(tmp_path / "a.svg")
    assert len(tree.findall("{http://www.w3.org/2000/svg}rect")) == 3


def test_every_target_is_of_a_scenario_that_exists() -> None:
    assert set(TARGETS) <= {*SCENARIOS, RELEASES}


def test_a_process_costs_at_most_what_its_tree_costs() -> None:
    own, tree = Cost.of(os.getpid()), Cost.of_tree(os.getpid())
    assert 0 < own.rss <= own.peak
    assert own.rss <= tree.rss * 1.05
    assert os.getpid() in below(os.getppid())
