"""The benchmark at its smallest: each figure is there, and what is measured is right at the end."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from tests.bench.__main__ import SIZES, run
from tests.bench.rig import Setting
from tests.e2e.conftest import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SMALLEST = replace(SIZES["smoke"], kustomizations=4, samples=2, drifts=4)


def _kubeconfig(cluster: Cluster) -> str:
    return str(cluster.kubeconfig)


def test_our_controllers(cluster: Cluster) -> None:
    results = run(SMALLEST, Setting(_kubeconfig(cluster)), {"P1", "P3", "P7"})
    assert list(results) == ["P1 cold install", "P3 commit to applied", "P7 drift repair"]
    assert results["P1 cold install"]["requests: PATCH"] > 4 * 4
    assert 0 < results["P3 commit to applied"]["p50 s"] <= results["P3 commit to applied"]["p99 s"]
    assert results["P7 drift repair"]["objects"] == 4


def test_the_controllers_of_a_command(cluster: Cluster) -> None:
    """Its requests are counted on their way: a command has no metrics that are known."""
    command = f"{sys.executable} -m tests.bench.pair"
    results = run(SMALLEST, Setting(_kubeconfig(cluster), command), {"P1"})
    figures = results["P1 cold install"]
    assert figures["requests: PATCH"] > 4 * 4
    assert figures["requests: WATCH"] > 0
    assert figures["controllers CPU s"] > 0
