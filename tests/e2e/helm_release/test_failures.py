"""What goes wrong with a release, and how it gets out of that again."""

from __future__ import annotations

import asyncio

import pytest

from controllers.helm.release.record import Status
from controllers.helm.release.storage import Storage
from shared.model.kinds import HELM_RELEASE, SECRET
from shared.model.meta import REQUESTED_AT
from tests.e2e.helm_release.charts import CONFIG_MAP, TEST, VALUES, Chart
from tests.e2e.helm_release.words import Releases, versions
from tests.e2e.world import condition

pytestmark = [pytest.mark.e2e]

# Ready only when they say so, on any cluster.
PICKY = [{"apiVersion": "v1", "kind": "ConfigMap", "current": "data.text == 'ready'"}]


async def test_a_template_that_fails_is_told_and_not_stored(releases: Releases) -> None:
    await releases.offer(Chart(files={"bad.yaml": '{{ fail "no luck" }}'}))
    await releases.release()
    failed = await releases.failing("InstallFailed")
    assert "no luck" in condition(failed, "Ready")["message"]
    assert await releases.stored() == []
    await releases.offer(Chart())
    await releases.ready()


async def test_an_upgrade_that_fails_is_rolled_back_and_not_repeated_for_ever(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(values={"text": "good"}, upgrade={"remediation": {"retries": 1}})
    await releases.ready()
    await releases.change(values={"text": "bad", "broken": True})
    stalled = await releases.stalled("RetriesExceeded")
    assert condition(stalled, "Stalled")["message"] == "Failed to upgrade after 2 attempt(s)"
    ready = condition(stalled, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "RollbackSucceeded")
    assert await releases.text() == "good"
    assert await releases.stored() == [
        (1, "superseded"),
        (2, "failed"),
        (3, "superseded"),
        (4, "failed"),
        (5, "deployed"),
    ]
    await releases.change(values={"text": "better", "broken": None})
    await releases.at_version(6)
    assert await releases.text() == "better"


async def test_without_retries_it_stalls_until_something_changes(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(values={"broken": True})
    stalled = await releases.stalled("RetriesExceeded")
    assert condition(stalled, "Ready")["reason"] == "InstallFailed"
    assert stalled["status"]["installFailures"] == 1
    await releases.change(values={"broken": False})
    await releases.at_version(2)


async def test_a_reset_gives_new_retries(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(values={"broken": True})
    await releases.stalled("RetriesExceeded")
    token = "now"
    annotations = {REQUESTED_AT: token, "reconcile.fluxcd.io/resetAt": token}
    world = releases.world
    await world.client.patch(HELM_RELEASE, world.namespace, "web", {"metadata": {"annotations": annotations}})
    await world.until(HELM_RELEASE, "web", lambda obj: obj["status"].get("lastHandledResetAt") == token)
    await world.until(HELM_RELEASE, "web", lambda obj: versions(obj)[:1] == [2])


async def test_a_new_spec_ends_the_wait_of_the_old_one(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(timeout="5m", values={"text": "never"}, healthCheckExprs=PICKY)
    await _until_text(releases)
    await releases.change(values={"text": "ready"})
    await releases.at_version(2)
    assert "HealthCheckCanceled" in await releases.reasons()


async def test_releases_that_wait_keep_nobody_from_work(releases: Releases) -> None:
    """More of them than the controller works on at a time."""
    await releases.offer(Chart())
    for number in range(6):
        await releases.release(
            f"stuck-{number}", timeout="2m", values={"text": "never"}, healthCheckExprs=PICKY
        )
    async with asyncio.timeout(20):
        while None in [await releases.text(f"stuck-{number}") for number in range(6)]:
            await asyncio.sleep(0.05)
    await releases.release()
    await releases.ready(seconds=5)
    for number in range(6):
        await releases.change(f"stuck-{number}", suspend=True)


async def _until_text(releases: Releases) -> None:
    async with asyncio.timeout(20):
        while await releases.text() is None:
            await asyncio.sleep(0.05)


async def test_tests_that_fail_fail_the_release(releases: Releases) -> None:
    refused = TEST.replace("kind: ConfigMap", "kind: Service") + "spec: {ports: [{port: 99999999}]}\n"
    await releases.offer(Chart(files={"config.yaml": CONFIG_MAP, "tests.yaml": refused}))
    await releases.release(test={"enable": True})
    stalled = await releases.stalled("RetriesExceeded")
    assert condition(stalled, "TestSuccess")["reason"] == "TestFailed"
    assert condition(stalled, "Ready")["reason"] == "TestFailed"
    await releases.change(test={"enable": True, "ignoreFailures": True})
    await releases.ready()


async def test_tests_that_succeed(releases: Releases) -> None:
    await releases.offer(Chart(files={"config.yaml": CONFIG_MAP, "tests.yaml": TEST}))
    await releases.release(test={"enable": True})
    obj = await releases.ready()
    assert condition(obj, "Ready")["reason"] == "TestSucceeded"
    assert condition(obj, "TestSuccess")["message"].endswith("1 test hook completed successfully")
    assert obj["status"]["history"][0]["testHooks"]["web-test"]["phase"] == "Succeeded"


async def test_a_corrupt_record_stalls_with_what_to_do(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(interval="1s")
    await releases.ready()
    world = releases.world
    secret = {"data": {"release": "bm9uc2Vuc2U="}}
    await world.client.patch(SECRET, world.namespace, "sh.helm.release.v1.web.v1", secret)
    stalled = await releases.stalled("StateError")
    message = condition(stalled, "Ready")["message"]
    assert "sh.helm.release.v1.web.v1" in message
    assert "delete it" in message
    await world.client.delete(SECRET, world.namespace, "sh.helm.release.v1.web.v1")
    await releases.ready()


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "uninstalling"])
async def test_what_an_action_that_died_left_is_ended(releases: Releases, status: str) -> None:
    await releases.offer(Chart(values=VALUES | {"text": "old"}))
    await releases.release(suspend=False)
    await releases.ready()
    await releases.change(suspend=True)
    world = releases.world
    record = await releases.record(1)
    await Storage(world.client, world.namespace, "web").update(record.as_status(Status(status)))
    changed = await releases.change(suspend=False, values={"text": "new"})
    await world.until(
        HELM_RELEASE,
        "web",
        lambda obj: (
            obj["status"].get("observedGeneration") == changed["metadata"]["generation"]
            and condition(obj, "Ready").get("status") == "True"
        ),
    )
    assert await releases.text() == "new"


async def test_a_retry_strategy_upgrades_again_and_again(releases: Releases) -> None:
    await releases.offer(Chart())
    again = {"strategy": {"name": "RetryOnFailure", "retryInterval": "1s"}}
    await releases.release(values={"broken": True}, install=again, upgrade=again)
    world = releases.world
    retrying = await world.until(
        HELM_RELEASE,
        "web",
        lambda obj: "retrying after 1s" in condition(obj, "Reconciling").get("message", ""),
    )
    assert condition(retrying, "Ready")["status"] == "False"
    await world.until(HELM_RELEASE, "web", lambda obj: versions(obj)[:1] >= [3])
    await releases.change(values={"broken": False})
    ready = await releases.ready()
    assert not ready["status"].get("failures")


async def test_an_upgrade_may_be_remediated_by_starting_over(releases: Releases) -> None:
    await releases.offer(Chart())
    remediation = {"retries": 1, "strategy": "uninstall"}
    await releases.release(values={"text": "good"}, upgrade={"remediation": remediation})
    await releases.ready()
    await releases.change(values={"text": "bad", "broken": True})
    stalled = await releases.stalled("RetriesExceeded")
    assert condition(stalled, "Stalled")["message"].startswith("Failed to install after 1 attempt")
    assert [version for version, _ in await releases.stored()] == [1]


async def test_a_deletion_ends_the_wait(releases: Releases) -> None:
    await releases.offer(Chart())
    await releases.release(timeout="5m", values={"text": "never"}, healthCheckExprs=PICKY)
    await _until_text(releases)
    world = releases.world
    await world.client.delete(HELM_RELEASE, world.namespace, "web")
    await world.gone("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web", seconds=10)
    assert await releases.text() is None
    assert await releases.stored() == []


async def test_a_new_chart_ends_the_wait(releases: Releases) -> None:
    await releases.offer(Chart(values=VALUES | {"text": "never"}))
    await releases.release(timeout="5m", healthCheckExprs=PICKY)
    await _until_text(releases)
    await releases.offer(Chart(version="1.0.1", values=VALUES | {"text": "ready"}))
    await releases.at_version(2)
