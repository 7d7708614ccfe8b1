"""From a HelmRepository to a release: the HelmChart that a template makes, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.kinds import HELM_CHART, HELM_RELEASE, HELM_REPOSITORY
from shared.model.meta import Object
from tests.e2e.conftest import Controllers
from tests.e2e.helm_release.charts import Chart
from tests.e2e.helm_release.words import Releases, versions
from tests.e2e.world import RUN_LABEL, condition
from tests.fakes.chart_repository import ChartRepository, chart_repository

pytestmark = pytest.mark.e2e


def template(releases: Releases, version: str = "1.x") -> dict[str, Any]:
    source = {"kind": "HelmRepository", "name": "charts"}
    return {
        "metadata": {"labels": {RUN_LABEL: releases.world.run_id}},
        "spec": {"chart": "podinfo", "version": version, "sourceRef": source},
    }


async def publish(releases: Releases, server: ChartRepository, version: str) -> None:
    metadata = {"apiVersion": "v2", "name": "podinfo", "version": version}
    server.add(Chart(version=version).packed(), metadata)
    world = releases.world
    if await world.client.find(HELM_REPOSITORY, world.namespace, "charts") is None:
        await world._make(HELM_REPOSITORY, "charts", {"interval": "1h", "url": server.url})
    else:
        await world.request(HELM_REPOSITORY, "charts")


async def chart_of(releases: Releases) -> Object | None:
    world = releases.world
    return await world.client.find(HELM_CHART, world.namespace, f"{world.namespace}-web")


async def test_from_a_repository_to_a_release(releases: Releases, controllers: Controllers) -> None:
    assert controllers.source.alive
    async with chart_repository() as server:
        await publish(releases, server, "1.0.0")
        await releases.release(chart=template(releases))
        installed = await releases.ready()
        assert installed["status"]["lastAttemptedRevision"] == "1.0.0"
        assert (
            installed["status"]["helmChart"] == f"{releases.world.namespace}/{releases.world.namespace}-web"
        )
        made = await chart_of(releases)
        assert made is not None
        assert made["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"] == "web"
        assert "HelmChartCreated" in await releases.reasons()

        await publish(releases, server, "1.1.0")
        upgraded = await releases.at_version(2)
        assert upgraded["status"]["lastAttemptedRevision"] == "1.1.0"

        await publish(releases, server, "2.0.0")
        await releases.change(chart=template(releases, "2.x"))
        assert versions(await releases.at_version(3))[0] == 3

        await releases.world.client.delete(HELM_RELEASE, releases.world.namespace, "web")
        await releases.world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web")
        assert await chart_of(releases) is None


async def test_a_reference_takes_the_place_of_a_template(
    releases: Releases, controllers: Controllers
) -> None:
    assert controllers.source.alive
    await releases.release(chart=template(releases))
    waiting = await releases.failing("SourceNotReady")
    assert "HelmChart" in condition(waiting, "Ready")["message"]
    await releases.offer(Chart())
    await releases.change(chart=None, chartRef={"kind": "OCIRepository", "name": "podinfo"})
    ready = await releases.ready()
    assert not ready["status"].get("helmChart")
    assert await chart_of(releases) is None
