"""Waiting for health: what is waited for, what ends it, and that it holds nobody up."""

from __future__ import annotations

import asyncio
import time

import pytest

from shared.model.kinds import KUSTOMIZATION
from tests.e2e.conftest import Controllers
from tests.e2e.repository import Repository, config_map, manifest
from tests.e2e.rollout import data_of, pushed
from tests.e2e.world import World, condition

pytestmark = pytest.mark.e2e


def never_ready(name: str, image: str = "x:1") -> str:
    """A Deployment that stays unavailable on any cluster: no scheduler of that name exists."""
    pod = {"schedulerName": "nobody", "containers": [{"name": "c", "image": image}]}
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return manifest("apps/v1", "Deployment", name, spec=spec)


async def test_a_health_check_that_fails_says_what_it_waited_for(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"d.yaml": never_ready("web")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, wait=True, timeout="30s")
    ks = await world.until(
        KUSTOMIZATION, "web", lambda obj: "health checks" in condition(obj, "Reconciling").get("message", "")
    )
    assert condition(ks, "Healthy")["status"] == "Unknown"
    ks = await world.failing(KUSTOMIZATION, "web", "HealthCheckFailed", seconds=45)
    message = condition(ks, "Ready")["message"]
    assert f"Deployment/{world.namespace}/web status: 'InProgress'" in message
    assert message.startswith("health check failed after 30")


async def test_a_new_revision_does_not_wait_for_the_old_one(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"d.yaml": never_ready("web"), "a.yaml": config_map("a", key="1")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(targetNamespace=world.namespace, wait=True, timeout="5m")
    await world.until(
        KUSTOMIZATION, "web", lambda obj: "health checks" in condition(obj, "Reconciling").get("message", "")
    )
    started_at = time.monotonic()
    revision = await pushed(world, repository, a=config_map("a", key="2"), remove=("d.yaml",))
    await world.ready(KUSTOMIZATION, "web", revision=revision, seconds=10)
    assert time.monotonic() - started_at < 5
    assert await data_of(world, "a") == {"key": "2"}


async def test_health_waits_hold_no_worker(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    """More objects wait than there are workers, and another one still gets through at once."""
    repository.commit({"slow/d.yaml": never_ready("slow"), "quick/a.yaml": config_map("a")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    for number in range(6):
        await world.kustomization(
            f"slow-{number}",
            path="./slow",
            targetNamespace=world.namespace,
            nameSuffix=f"-{number}",
            wait=True,
            timeout="5m",
        )
    await asyncio.sleep(2)
    await world.kustomization("quick", path="./quick", targetNamespace=world.namespace)
    await world.ready(KUSTOMIZATION, "quick", seconds=5)
