"""The steps that the end-to-end tests of Kustomization share."""

from __future__ import annotations

from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION
from shared.model.meta import Object
from tests.e2e.repository import Repository
from tests.e2e.world import World


async def started(world: World, repository: Repository, **spec: object) -> Object:
    """A GitRepository and a Kustomization of it, both ready."""
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(**{"targetNamespace": world.namespace} | spec)
    return await world.ready(KUSTOMIZATION, "web")


async def pushed(world: World, repository: Repository, *, remove: tuple[str, ...] = (), **files: str) -> str:
    """Commit, push, and tell source-controller as a webhook would; returns the revision."""
    revision = repository.commit(
        {name.replace("__", "/") + ".yaml": text for name, text in files.items()}, remove=remove
    )
    await world.request(GIT_REPOSITORY, "repo")
    return revision


async def data_of(world: World, name: str) -> dict[str, str] | None:
    found = await world.client.find(CONFIG_MAP, world.namespace, name)
    return None if found is None else found.get("data") or {}
