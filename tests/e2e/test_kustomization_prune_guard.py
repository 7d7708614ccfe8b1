"""An empty build deletes nothing until somebody says that it is meant."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.model.kinds import KUSTOMIZATION
from tests.e2e.conftest import Cluster, Controllers, start_controllers
from tests.e2e.processes import controller
from tests.e2e.repository import Repository, config_map
from tests.e2e.rollout import data_of, pushed, started
from tests.e2e.world import RUN_LABEL, World, condition

pytestmark = pytest.mark.e2e


@pytest.fixture
def run_id() -> str:
    """These controllers have objects of their own."""
    return secrets.token_hex(4)


@pytest.fixture
def guarded(cluster: Cluster, run_id: str, tmp_path: Path) -> Iterator[Controllers]:
    both = start_controllers(cluster, run_id, tmp_path)
    both.kustomize.stop()
    both.kustomize = controller(
        "kustomize",
        cluster.kubeconfig,
        tmp_path,
        f"--watch-label-selector={RUN_LABEL}={run_id}",
        "--requeue-dependency=1s",
        "--headwater-prune-guard-percent=50",
    )
    both.kustomize.start()
    yield both
    both.kustomize.stop()
    both.source.stop()


async def test_an_empty_build_prunes_nothing_unless_it_is_meant(
    world: World, guarded: Controllers, repository: Repository
) -> None:
    repository.commit({f"{name}.yaml": config_map(name) for name in "abc"})
    await started(world, repository)
    revision = await pushed(world, repository, remove=("c.yaml",))
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert await data_of(world, "c") is None, "a third may go"

    revision = await pushed(world, repository, remove=("a.yaml", "b.yaml"))
    ks = await world.failing(KUSTOMIZATION, "web", "PruneFailed")
    assert "would delete 2 of 2 objects, more than 50 %" in condition(ks, "Ready")["message"]
    assert [await data_of(world, name) for name in "ab"] == [{}, {}]
    assert len(ks["status"]["inventory"]["entries"]) == 2

    allow = {"metadata": {"annotations": {"headwater.dev/allow-prune": "true"}}}
    await world.client.patch(KUSTOMIZATION, world.namespace, "web", allow)
    await world.request(KUSTOMIZATION, "web")
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert [await data_of(world, name) for name in "ab"] == [None, None]
