"""What a restart costs, and what it loses: nothing, or what is scanned again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shared.model.kinds import IMAGE_POLICY, IMAGE_REPOSITORY
from tests.e2e.conftest import Cluster
from tests.e2e.image.conftest import image_automation
from tests.e2e.image.words import chosen
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import World, eventually
from tests.fakes.registry import FakeRegistry

pytestmark = pytest.mark.e2e


async def test_kills_and_lost_or_damaged_tags(
    world: World, server: FakeRegistry, cluster: Cluster, tmp_path: Path
) -> None:
    server.add_tags("1.0.0")
    world.run_id = f"{world.run_id}-restart"
    program = image_automation(cluster, world.run_id, tmp_path)
    program.start()
    await world.image_repository(image=f"{server.host}/team/app")
    await world.image_policy()
    await chosen(world, "1.0.0")
    repository = await world.get(IMAGE_REPOSITORY, "app")

    program.kill()
    program.start()
    await _evaluated(program)
    assert server.seen("GET", "/tags/list") == 1
    assert (await world.get(IMAGE_REPOSITORY, "app"))["status"] == repository["status"]

    program.kill()
    stored = tmp_path / "tags" / "imagerepository" / world.namespace / "app.tags.z"
    stored.write_bytes(stored.read_bytes()[:-9])
    server.add_tags("1.0.1")
    program.start()
    await chosen(world, "1.0.1")
    assert "damaged" in program.log.read_text()

    program.kill()
    shutil.rmtree(tmp_path / "tags")
    server.add_tags("1.0.2")
    program.start()
    await chosen(world, "1.0.2")
    await world.client.delete(IMAGE_POLICY, world.namespace, "app")
    await world.client.delete(IMAGE_REPOSITORY, world.namespace, "app")
    await world.gone(IMAGE_REPOSITORY.api_version, IMAGE_REPOSITORY.kind, "app")
    assert program.stop() == 0, program.tail()


async def _evaluated(program: ControllerProgram) -> None:
    async def check() -> bool:
        return all(
            program.metric("controller_runtime_reconcile_total", controller=kind, result="success")
            + program.metric("controller_runtime_reconcile_total", controller=kind, result="requeue_after")
            for kind in ("imagepolicy", "imagerepository")
        )

    await eventually(check)
