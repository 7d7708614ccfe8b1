"""A release from its first revision to its end, by chartRef."""

from __future__ import annotations

import pytest

from shared.model.kinds import HELM_RELEASE
from tests.e2e.helm_release.charts import Chart
from tests.e2e.helm_release.words import Releases, versions
from tests.e2e.world import condition

pytestmark = [pytest.mark.e2e]


async def test_install_upgrade_uninstall(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(values={"text": "one"})
    installed = await releases.ready()
    assert await releases.text() == "one"
    assert await releases.stored() == [(1, "deployed")]
    assert condition(installed, "Released")["reason"] == "InstallSucceeded"
    status = installed["status"]
    assert status["lastAttemptedRevision"].startswith("1.0.0+")
    assert status["inventory"]["entries"][0]["id"].endswith("_web-config__ConfigMap")
    assert "InstallSucceeded" in await releases.reasons()

    await releases.change(values={"text": "two"})
    await releases.at_version(2)
    assert await releases.text() == "two"
    await releases.offer(Chart(version="1.1.0"))
    upgraded = await releases.at_version(3)
    assert await releases.stored() == [(1, "superseded"), (2, "superseded"), (3, "deployed")]
    assert versions(upgraded) == [3, 2]
    assert condition(upgraded, "Ready")["reason"] == "UpgradeSucceeded"

    await releases.world.client.delete(HELM_RELEASE, releases.world.namespace, "web")
    await releases.world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web")
    assert await releases.stored() == []
    assert await releases.text() is None
