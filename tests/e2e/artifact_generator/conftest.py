"""Both controllers, with kustomize-controller's gate for ExternalArtifacts open."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Cluster, Controllers
from tests.e2e.processes import controller, free_port
from tests.e2e.world import RUN_LABEL, World


@pytest.fixture(scope="session")
def run_id() -> str:
    """Not that of the session: its controllers leave our objects alone."""
    return secrets.token_hex(4)


@pytest.fixture(scope="session")
def controllers(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controllers]:
    folder, port = tmp_path_factory.mktemp("generating"), free_port()
    storage, selector = folder / "storage", f"--watch-label-selector={RUN_LABEL}={run_id}"
    storage.mkdir()
    source = controller(
        "source",
        cluster.kubeconfig,
        folder,
        selector,
        f"--storage-path={storage}",
        f"--storage-addr=127.0.0.1:{port}",
        f"--storage-adv-addr=127.0.0.1:{port}",
        "--requeue-dependency=1s",
    )
    gate = "--feature-gates=ExternalArtifact=true"
    kustomize = controller("kustomize", cluster.kubeconfig, folder, selector, gate, "--requeue-dependency=1s")
    both = Controllers(source, kustomize)
    for program in (both.source, both.kustomize):
        program.start()
    yield both
    for program in (both.kustomize, both.source):
        assert program.stop() == 0, program.tail()


@pytest.fixture
def world(world: World, controllers: Controllers) -> World:
    assert controllers.source
    return world
