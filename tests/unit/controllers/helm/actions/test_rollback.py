from __future__ import annotations

import pytest

from controllers.helm.actions.errors import ActionFailed
from controllers.helm.actions.requests import Rollback
from controllers.helm.actions.rollback import rollback
from controllers.helm.release.record import HookPhase, Release, Status
from tests.unit.controllers.helm.actions.stage import FAIL, Stage, config_map, deployment, hook, job, waits


async def failed_upgrade(stage: Stage) -> None:
    with pytest.raises(ActionFailed):
        await stage.upgrade(
            config_map("settings", a="2"),
            config_map("new"),
            deployment("web", **{FAIL: "never-ready"}),
            wait=waits(0.2),
        )


async def back(stage: Stage, to: int = 1) -> Release:
    return await rollback(stage.tools, Rollback(to, waits(5)))


async def test_an_earlier_revision_comes_back_as_a_new_one(stage: Stage) -> None:
    first = await stage.install(
        config_map("settings", a="1"), config_map("dropped"), hook(job("undo"), "post-rollback")
    )
    await failed_upgrade(stage)

    release = await back(stage)

    assert await stage.data("settings") == {"a": "1"}
    assert [await stage.data(name) for name in ("new", "dropped")] == [None, {}]
    assert (release.version, release.status, release.info.description) == (
        3,
        Status.DEPLOYED,
        "Rollback to 1",
    )
    assert (release.chart, release.config, release.manifest) == (first.chart, first.config, first.manifest)
    assert [item.last_run.phase for item in release.hooks] == [HookPhase.SUCCEEDED]
    assert await stage.heads() == ["v1 superseded", "v2 failed", "v3 deployed"]


async def test_a_rollback_that_fails_is_recorded(stage: Stage) -> None:
    await stage.install(hook(job("undo", pod={FAIL: "job-fails"}), "pre-rollback"), config_map("settings"))
    await failed_upgrade(stage)

    with pytest.raises(ActionFailed, match="pre-rollback hooks failed") as failure:
        await back(stage)

    assert failure.value.release is not None
    assert failure.value.release.info.description.startswith('Rollback "web" failed: pre-rollback')
    assert await stage.heads() == ["v1 deployed", "v2 failed", "v3 failed"]


async def test_a_revision_that_is_not_there(stage: Stage) -> None:
    await stage.install(config_map("settings"))

    with pytest.raises(ActionFailed, match="release has no 7 version") as failure:
        await back(stage, 7)

    assert failure.value.release is None
