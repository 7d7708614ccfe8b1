"""kill -9 while releases are installed, upgraded, rolled back and uninstalled: nothing stays stuck.

HEADWATER_CRASHES says how often; the more, the more points are hit.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.model.kinds import HELM_RELEASE
from tests.e2e.conftest import NAMESPACE, Cluster
from tests.e2e.helm_release.charts import CONFIG_MAP, REFUSED, TEST, Chart, ChartServer
from tests.e2e.helm_release.conftest import helm_controller
from tests.e2e.helm_release.words import Releases, versions
from tests.e2e.world import World, condition

CRASHES = int(os.environ.get("HEADWATER_CRASHES", "4"))
HOOK = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: "pre-install,pre-upgrade,pre-rollback,pre-delete"}
"""
CHART = Chart(
    files={"config.yaml": CONFIG_MAP, "broken.yaml": REFUSED, "hook.yaml": HOOK, "tests.yaml": TEST}
)
COUNT = 4
REMEDIATE = {"remediation": {"retries": -1}}


pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60 + 6 * CRASHES)]


@pytest.fixture
async def stories(cluster: Cluster, client: KubeClient, chart_server: ChartServer) -> AsyncIterator[Releases]:
    """Words for releases of a run of their own: no other controller works on them."""
    run_id = secrets.token_hex(4)
    namespace = f"hw-{run_id}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    world = World(client, Discovery(client), namespace, run_id, cluster.kubeconfig)
    yield Releases(world, chart_server)
    await world.clean_up()
    await client.delete(NAMESPACE, "", namespace)


async def test_it_goes_on_after_every_crash(stories: Releases, cluster: Cluster, tmp_path: Path) -> None:
    run_id = stories.world.run_id
    luck = random.Random(20261123)
    await stories.offer(CHART)
    names = [f"app-{number}" for number in range(COUNT)]
    for name in names:
        await stories.release(
            name,
            values={"text": "first"},
            install=REMEDIATE,
            upgrade=REMEDIATE,
            test={"enable": True},
            maxHistory=3,
        )
    for crash in range(CRASHES):
        program = helm_controller(cluster, run_id, tmp_path)
        program.start()
        for name in luck.sample(names, 2):
            broken = luck.random() < 0.4
            await stories.change(name, values={"text": f"round {crash}", "broken": broken})
        await asyncio.sleep(luck.uniform(0.0, 0.8))
        program.kill()
    program = helm_controller(cluster, run_id, tmp_path)
    program.start()
    try:
        for name in names:
            await stories.change(name, values={"text": "last", "broken": False})
        for name in names:
            await _as_wanted(stories, name)
        await stories.world.client.delete(HELM_RELEASE, stories.world.namespace, names[0])
        await stories.world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", names[0])
        assert await stories.stored(names[0]) == []
        assert await stories.text(names[0]) is None
        for name in names[1:]:
            await stories.world.client.delete(HELM_RELEASE, stories.world.namespace, name)
            await stories.world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", name)
    finally:
        assert program.stop() == 0, program.tail()


async def _as_wanted(stories: Releases, name: str) -> None:
    await stories.world.until(
        HELM_RELEASE,
        name,
        lambda obj: (
            condition(obj, "Ready").get("status") == "True"
            and obj["status"].get("observedGeneration") == obj["metadata"]["generation"]
        ),
        seconds=60,
    )
    assert await stories.text(name) == "last"
    stored = await stories.stored(name)
    assert [status for _, status in stored].count("deployed") == 1, stored
    assert stored[-1][1] == "deployed"
    assert not [status for _, status in stored if status.startswith("pending")]
    obj = await stories.world.get(HELM_RELEASE, name)
    assert versions(obj)[0] == stored[-1][0]
