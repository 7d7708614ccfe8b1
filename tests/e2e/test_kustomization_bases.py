"""Remote bases: a kustomization whose base is a repository that no source knows of."""

from __future__ import annotations

import secrets

import pytest

from shared.model.kinds import GIT_REPOSITORY, KUSTOMIZATION
from tests.e2e.conftest import Controllers, GitServer
from tests.e2e.repository import Repository, config_map
from tests.e2e.rollout import data_of, started
from tests.e2e.world import World, condition, eventually

pytestmark = pytest.mark.e2e


async def test_a_base_is_fetched_and_looked_at_again(
    world: World, controllers: Controllers, repository: Repository, git: GitServer
) -> None:
    name = f"base-{secrets.token_hex(4)}.git"
    base = Repository.create(git.root, f"{git.url}/{name}", name)
    base.commit(
        {"shared/kustomization.yaml": "resources: [a.yaml]\n", "shared/a.yaml": config_map("a", key="1")}
    )
    repository.commit(
        {"kustomization.yaml": f"resources: ['git::{base.url}//shared?ref=main']\nnamePrefix: our-\n"}
    )
    await started(world, repository)
    assert await data_of(world, "our-a") == {"key": "1"}

    base.commit({"shared/a.yaml": config_map("a", key="2")})
    await world.request(KUSTOMIZATION, "web")

    async def moved() -> bool:
        return await data_of(world, "our-a") == {"key": "2"}

    await eventually(moved)
    repository.commit({"kustomization.yaml": f"resources: ['git::{base.url}//shared?ref=gone']\n"})
    await world.request(GIT_REPOSITORY, "repo")
    ks = await world.failing(KUSTOMIZATION, "web", "BuildFailed")
    assert "there is no ref 'gone'" in condition(ks, "Ready")["message"]
    assert await data_of(world, "our-a") == {"key": "2"}
