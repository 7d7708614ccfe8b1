"""Simulated controllers go on after a restart from what was kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from localcluster.controllers.settings import WorkloadSettings
from localcluster.inprocess import InProcess
from localcluster.process import Server, Settings
from tests.unit.localcluster.controllers.conftest import DELAY, Simulation
from tests.unit.localcluster.controllers.manifests import (
    CLAIM,
    DEPLOYMENT,
    JOB,
    POD,
    REPLICA_SET,
    SERVICE,
    condition,
    job,
    make,
    workload,
)


@asynccontextmanager
async def life(data: Path, *, enabled: bool = True) -> AsyncIterator[Simulation]:
    """One life of the process."""
    workloads = WorkloadSettings(enabled=enabled, delay=DELAY)
    async with Server(Settings("token", insecure_http=True, data=data, workloads=workloads)) as server:
        yield Simulation(InProcess(server.cluster, "tester"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


async def test_what_runs_goes_on_and_can_be_changed(data: Path) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    async with life(data) as first:
        await first.api.create(workload(DEPLOYMENT, replicas=2))
        await first.api.create(make(CLAIM, "data", claim))
        await first.api.create(make(SERVICE, "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]}))
        await first.api.create(job())
        await first.see(DEPLOYMENT, "web", lambda obj: obj.get("status", {}).get("availableReplicas") == 2)
        await first.see(CLAIM, "data", lambda obj: obj["status"].get("phase") == "Bound")
        await first.see(JOB, "once", lambda obj: condition(obj, "Complete")["status"] == "True")
        before = await first.list(POD)

    async with life(data) as second:
        await second.api.create(job("again"))
        await second.see(JOB, "again", lambda obj: condition(obj, "Complete")["status"] == "True")
        kept = await second.list(POD, "!job-name")
        assert kept == [pod for pod in before if "job-name" not in pod["metadata"]["labels"]]
        await second.edit(DEPLOYMENT, "web", lambda obj: obj["spec"].update(replicas=3))
        await second.see(DEPLOYMENT, "web", lambda obj: obj["status"].get("availableReplicas") == 3)
        addresses = [pod["status"]["podIP"] for pod in await second.list(POD)]

    assert len(set(addresses)) == len(addresses)


async def test_what_was_left_undone_is_done(data: Path) -> None:
    async with life(data, enabled=False) as first:
        await first.api.create(workload(DEPLOYMENT, replicas=1))
        assert await first.list(REPLICA_SET) == []

    async with life(data) as second:
        await second.see(DEPLOYMENT, "web", lambda obj: obj.get("status", {}).get("availableReplicas") == 1)


async def test_switched_off_nothing_is_simulated(data: Path) -> None:
    async with life(data, enabled=False) as only:
        await only.api.create(workload(DEPLOYMENT, replicas=1))

        assert await only.api.get("v1", "Node", "localcluster-node") is None
        assert "conditions" not in (await only.see(DEPLOYMENT, "web")).get("status", {})
