"""An automation works with the rights that deploy/base gives image-automation-controller."""

from __future__ import annotations

import pytest

from shared.model.kinds import IMAGE_UPDATE_AUTOMATION
from tests.e2e.git_repository.words import make_secret
from tests.e2e.image.test_rights import account, limited  # noqa: F401 - fixtures
from tests.e2e.image_update.words import MAIN, automation, choose, marked, policy, settled
from tests.e2e.kubectl import KUBECTL
from tests.e2e.processes import ControllerProgram
from tests.e2e.world import World, eventually
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.skipif(KUBECTL is None, reason="no kubectl here: make peers, or install one"),
]


async def test_it_needs_no_more(
    world: World,
    server: HttpGitServer,
    repo: GitRepo,
    limited: ControllerProgram,  # noqa: F811 - the fixture
) -> None:
    repo.commit({"web.yaml": marked(world)})
    server.username, server.password = "ada", "s3cr3t"
    await make_secret(world, "git", username="ada", password="s3cr3t")
    await policy(world, "1.1.0")
    await world.git_repository(url=server.url_of(), ref=MAIN, secretRef={"name": "git"})
    await automation(world)
    await settled(world)
    await choose(world, "1.2.0")

    async def updated() -> bool:
        return "app:1.2.0" in repo.show("show", "main:web.yaml")

    await eventually(updated)
    await settled(world, pushed=repo.show("rev-parse", "main"))
    await world.client.delete(IMAGE_UPDATE_AUTOMATION, world.namespace, "auto")
    await world.gone(IMAGE_UPDATE_AUTOMATION.api_version, IMAGE_UPDATE_AUTOMATION.kind, "auto")
    assert "orbidden" not in limited.log.read_text()
