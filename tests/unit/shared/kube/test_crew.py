"""Who acts where: one tracker for a cluster, hands for each user of it, and none for one that is gone."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from shared.kube.client import KubeClient
from shared.kube.clusters import Clusters, ClusterSettings
from shared.kube.crew import Crew
from shared.kube.discovery import Discovery
from shared.kube.hands import Grip
from shared.kube.tracker import Tracker
from shared.model.kustomize import Kustomization
from tests import make
from tests.unit.shared.kube.conftest import Engine


def crew_for(client: KubeClient, tended: list[Tracker]) -> Crew:
    clusters = Clusters(client, Discovery(client), ClusterSettings())
    return Crew(clusters, Grip("tests"), tend=tended.append)


def acting_as(account: str = "") -> Kustomization:
    spec = {"serviceAccountName": account} if account else {}
    return Kustomization.parse(make.kustomization(**spec))


async def test_users_of_a_cluster_have_their_own_hands_and_one_tracker(engine: Engine) -> None:
    tended: list[Tracker] = []
    crew = crew_for(engine.client, tended)
    plain, tenant = await crew.hands(acting_as()), await crew.hands(acting_as("tenant"))
    assert plain is await crew.hands(acting_as())
    assert tenant is not plain
    assert tenant.client is not plain.client
    assert [plain.tracker, tenant.tracker] == tended * 2


async def test_trackers_run_once_they_are_needed_and_end_with_their_cluster(engine: Engine) -> None:
    tended: list[Tracker] = []
    crew = crew_for(engine.client, tended)
    running = asyncio.create_task(crew.run())
    try:
        first = await crew.hands(acting_as())
        async with asyncio.timeout(5):
            while not crew._running:
                await asyncio.sleep(0)
        task = crew._running[""]
        crew.drop("")
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert not running.done(), "the end of one cluster is not the end of all"
        assert await crew.hands(acting_as()) is not first
        assert len(tended) == 2
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_hands_are_not_kept_without_end(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.kube.crew._MAX_HANDS", 2)
    crew = crew_for(engine.client, [])
    for number in range(5):
        await crew.hands(acting_as(f"tenant-{number}"))
    assert len(crew._hands) <= 2
