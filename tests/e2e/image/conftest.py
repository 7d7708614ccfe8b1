"""image-automation-controller, and a registry on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.processes import ControllerProgram, controller
from tests.e2e.world import RUN_LABEL
from tests.fakes.registry import FakeRegistry, fake_registry


def image_automation(cluster: Cluster, run_id: str, folder: Path, *flags: str) -> ControllerProgram:
    """Only objects with the run's label are its; start it yourself."""
    return controller(
        "image_automation",
        cluster.kubeconfig,
        folder,
        f"--watch-label-selector={RUN_LABEL}={run_id}",
        f"--storage-path={folder / 'tags'}",
        "--requeue-dependency=1s",
        *flags,
    )


@pytest.fixture(scope="session")
def scanning(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControllerProgram]:
    """For the tests that do not kill it."""
    program = image_automation(cluster, run_id, tmp_path_factory.mktemp("image"))
    program.start()
    yield program
    assert program.stop() == 0, program.tail()


@pytest.fixture
async def server() -> AsyncIterator[FakeRegistry]:
    async with fake_registry() as running:
        yield running
