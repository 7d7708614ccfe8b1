"""A controller that is killed in the middle of a push leaves one commit, and nothing on its disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.image.conftest import image_automation
from tests.e2e.image_update.words import MAIN, automation, marked, policy, settled
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import World, eventually
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer

pytestmark = pytest.mark.e2e


@pytest.fixture
def mortal(cluster: Cluster, run_id: str, tmp_path: Path) -> Iterator[ControllerProgram]:
    program = image_automation(cluster, f"{run_id}-mortal", tmp_path)
    program.env = {"TMPDIR": str(tmp_path)}
    program.start()
    yield program
    assert program.stop() == 0, program.tail()
    assert list(tmp_path.glob("image-automation-controller-*")) == []


@pytest.mark.parametrize("hook", ["pre-receive", "post-receive"], ids=["before it is taken", "after it was"])
async def test_killed_while_it_pushes(
    mortal: ControllerProgram, world: World, server: HttpGitServer, repo: GitRepo, hook: str
) -> None:
    world.run_id = world.run_id.replace("-update", "-mortal")
    repo.commit({"web.yaml": marked(world)})
    reached, over = server.root / "reached", server.root / "over"
    repo.hook(hook, f"[ -e {reached} ] || {{ touch {reached}; sleep 1; touch {over}; }}")
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN)
    await automation(world)

    await eventually(_exists(reached))
    mortal.kill()
    mortal.start()
    await settled(world)
    await eventually(_exists(over))

    assert repo.show("log", "--format=%an", "main").splitlines() == ["Bot", "Ada"]
    assert "app:1.1.0" in repo.show("show", "main:web.yaml")
    assert list(server.root.parent.glob("image-automation-controller-*/*")) == []


def _exists(path: Path) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return path.exists()

    return check
