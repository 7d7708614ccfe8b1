"""helm-controller as a process, charts on a server, and the words for releases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.helm_release.charts import ChartServer
from tests.e2e.helm_release.words import Releases
from tests.e2e.processes import ControllerProgram, controller
from tests.e2e.world import RUN_LABEL, World


@pytest.fixture(scope="session")
def chart_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartServer]:
    server = ChartServer.start(tmp_path_factory.mktemp("charts"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def helm(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControllerProgram]:
    """One process for the tests that do not kill it."""
    program = helm_controller(cluster, run_id, tmp_path_factory.mktemp("helm"))
    program.start()
    yield program
    assert program.stop() == 0, program.tail()


def helm_controller(cluster: Cluster, run_id: str, folder: Path, *flags: str) -> ControllerProgram:
    selector = f"--watch-label-selector={RUN_LABEL}={run_id}"
    return controller("helm", cluster.kubeconfig, folder, selector, "--requeue-dependency=1s", *flags)


@pytest.fixture
def releases(world: World, chart_server: ChartServer, helm: ControllerProgram) -> Releases:
    """Words about HelmReleases in the test's namespace."""
    assert helm.alive
    return Releases(world, chart_server)
