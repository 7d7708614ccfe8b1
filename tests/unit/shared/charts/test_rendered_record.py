"""The chart in a release record, where genuine Helm cannot be asked: odd locks, odd times."""

from __future__ import annotations

from typing import Any

import pytest

from shared.charts.loading import ChartFile, ChartTree
from shared.charts.rendered_record import chart_record
from shared.logic.go_yaml import read_document
from tests.charts import about

ZERO = "0001-01-01T00:00:00Z"


def record(files: dict[str, str], modified: float = 0, **metadata: Any) -> dict[str, Any]:
    tree = ChartTree(files=[ChartFile(name, text.encode(), modified) for name, text in files.items()])
    return chart_record(tree, metadata, {}, read_document)


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("- a", None, id="a list"),
        pytest.param("a: [", None, id="broken"),
        pytest.param(
            "digest: d", {"generated": ZERO, "digest": "d", "dependencies": []}, id="almost nothing"
        ),
        pytest.param(
            "dependencies: [null, {}]",
            {"generated": ZERO, "digest": "", "dependencies": [None, {"name": "", "repository": ""}]},
            id="empty dependencies",
        ),
        pytest.param(
            "dependencies: [{name: a, version: 1.0.0, repository: r, alias: b, tags: []}]",
            {
                "generated": ZERO,
                "digest": "",
                "dependencies": [{"name": "a", "repository": "r", "version": "1.0.0", "alias": "b"}],
            },
            id="a dependency",
        ),
    ],
)
def test_locks(lock: str, expected: Any) -> None:
    assert record({"Chart.lock": lock})["lock"] == expected


def test_the_old_lock_counts_in_the_old_format_alone() -> None:
    files = {"requirements.lock": "digest: d", "requirements.yaml": "dependencies: []"}
    old, new = record(files, apiVersion="v1"), record(files, apiVersion="v2")
    assert (old["lock"]["digest"], [file["name"] for file in old["files"]]) == ("d", list(files))
    assert (new["lock"], new["files"]) == (None, None)


@pytest.mark.parametrize(
    ("modified", "expected"),
    [
        pytest.param(0, "1970-01-01T00:00:00Z", id="the epoch"),
        pytest.param(1_700_000_000, "2023-11-14T22:13:20Z", id="seconds"),
        pytest.param(1_700_000_000.25, "2023-11-14T22:13:20.25Z", id="a fraction"),
        pytest.param(1e18, ZERO, id="no year that can be written"),
        pytest.param(float("nan"), ZERO, id="no number"),
    ],
)
def test_times(modified: float, expected: str) -> None:
    assert record({"Chart.yaml": about()}, modified)["modtime"] == expected
