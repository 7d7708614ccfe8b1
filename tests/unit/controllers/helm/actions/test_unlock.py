from __future__ import annotations

import pytest

from controllers.helm.actions.errors import NothingInstalled
from controllers.helm.actions.unlock import unlock
from controllers.helm.release.record import Status
from tests.unit.controllers.helm.actions.stage import Stage, config_map


@pytest.mark.parametrize("pending", [status for status in Status if status.is_pending])
async def test_a_pending_revision_fails(stage: Stage, pending: Status) -> None:
    release = await stage.install(config_map("settings"))
    await stage.storage.update(release.as_status(pending))

    unlocked = await unlock(stage.tools)

    assert unlocked.status is Status.FAILED
    assert unlocked.info.description == f"Release unlocked from stale '{pending}' state"
    assert unlocked == await stage.storage.last()
    assert (await stage.upgrade(config_map("settings", a="1"))).status is Status.DEPLOYED


async def test_what_is_not_pending_stays(stage: Stage) -> None:
    release = await stage.install(config_map("settings"))

    assert await unlock(stage.tools) == release


async def test_nothing_is_there(stage: Stage) -> None:
    with pytest.raises(NothingInstalled):
        await unlock(stage.tools)
