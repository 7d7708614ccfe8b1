"""A process that dies after any request leaves a record that another one can continue from."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.helm.actions.requests import Rollback, Uninstall
from controllers.helm.actions.rollback import rollback
from controllers.helm.actions.uninstall import uninstall
from controllers.helm.actions.unlock import unlock
from controllers.helm.release.record import Release, Status
from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.tracker import Tracker
from tests.unit.controllers.helm.actions.stage import Stage, config_map, hook, waits

_MOST_REQUESTS = 60


class Died(BaseException):
    """Nobody catches it: the process is gone."""


class Mortal:
    """A client's observer that ends the process after so many answers."""

    def __init__(self) -> None:
        self.lives = _MOST_REQUESTS

    def __call__(self, _method: str, _status: int) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Died


async def mortal_stage(kubeconfig: Path, stage: Stage) -> tuple[Stage, Mortal]:
    """The same release in the hands of a process that may die."""
    mortal = Mortal()
    client = KubeClient(await connect(str(kubeconfig)), observer=mortal)
    return Stage(client, stage.namespace, Tracker(client)), mortal


async def first(stage: Stage) -> Release:
    return await stage.install(
        config_map("settings", a="1"), config_map("old"), hook(config_map("hook"), "pre-install,pre-upgrade")
    )


async def second(stage: Stage) -> Release:
    return await stage.upgrade(
        config_map("settings", a="2"), config_map("new"), hook(config_map("hook"), "pre-upgrade")
    )


async def continued(stage: Stage) -> Release:
    """What the controller would do next, whatever was left."""
    last = await stage.storage.last()
    if last is not None and last.status.is_pending:
        await unlock(stage.tools)
    return await (first(stage) if last is None else second(stage))


@pytest.mark.parametrize("step", ["install", "upgrade", "rollback", "uninstall"])
async def test_whatever_was_under_way_is_continued(stage: Stage, kubeconfig: Path, step: str) -> None:
    mortal, clock = await mortal_stage(kubeconfig, stage)
    survived = False
    for lives in range(_MOST_REQUESTS):
        if step != "install":
            await first(stage)
        clock.lives = lives
        try:
            await act(mortal, step)
        except Died:
            pass
        else:
            survived = True
        if step != "uninstall":
            await converges(stage)
        await uninstall(stage.tools, Uninstall(waits())) if await stage.heads() else None
        assert await stage.heads() == []
        if survived:
            break
    assert survived
    clock.lives = _MOST_REQUESTS
    await mortal.client.close()


async def act(stage: Stage, step: str) -> None:
    match step:
        case "install":
            await first(stage)
        case "upgrade":
            await second(stage)
        case "rollback":
            await rollback(stage.tools, Rollback(1, waits()))
        case "uninstall":
            await uninstall(stage.tools, Uninstall(waits()))


async def converges(stage: Stage) -> None:
    await continued(stage)
    release = await second(stage)
    assert release.status is Status.DEPLOYED
    assert [head for head in await stage.heads() if "deployed" in head] == [f"v{release.version} deployed"]
    assert [await stage.data(name) for name in ("settings", "new", "old")] == [{"a": "2"}, {}, None]
