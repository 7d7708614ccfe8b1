"""The closed loop: a tag is pushed to a registry, and the cluster runs it, by way of a commit in git."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from shared.model.kinds import GIT_REPOSITORY, IMAGE_REPOSITORY, IMAGE_UPDATE_AUTOMATION, KUSTOMIZATION
from shared.model.meta import Object
from tests.e2e.git_repository.words import make_secret
from tests.e2e.image.test_genuine_registry import GENUINE, LOGIN, Genuine
from tests.e2e.image.test_genuine_registry import _until_it_serves as until_it_serves
from tests.e2e.image.words import chosen, pull_secret
from tests.e2e.image_update.words import MAIN, automation, settled
from tests.e2e.rollout import data_of
from tests.e2e.world import World, eventually
from tests.fakes.git_repo import GitRepo
from tests.fakes.git_server import HttpGitServer
from tests.fakes.registry import fake_registry

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("controllers")]


@dataclass(frozen=True)
class Registry:
    """Where images are pushed, with what opens it to an ImageRepository."""

    host: str
    spec: Object
    push: Callable[[str], Awaitable[str]]


@pytest.fixture
async def registry(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Registry]:
    """A genuine one, with TLS and a password, where it is installed; else ours."""
    if GENUINE is None:
        async with fake_registry() as fake:

            async def add(tag: str) -> str:
                return fake.add_tags(tag, annotations={"tag": tag})

            yield Registry(fake.host, {}, add)
        return
    real: Genuine = request.getfixturevalue("genuine")
    await until_it_serves(real)
    await pull_secret(world, "pull", real.host, LOGIN)
    await make_secret(world, "trust", ca__crt=real.authority.pem)
    spec = {"secretRef": {"name": "pull"}, "certSecretRef": {"name": "trust"}}
    yield Registry(real.host, spec, real.push)


async def test_a_pushed_tag_is_rolled_out(
    world: World, run_id: str, registry: Registry, server: HttpGitServer, repo: GitRepo
) -> None:
    image = f"{registry.host}/team/app"
    server.username, server.password = "ada", "s3cr3t"
    first = await registry.push("1.0.0")
    marker = f'# {{"$imagepolicy": "{world.namespace}:app"}}'
    manifest = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: app}}\ndata:\n  image: {image}:0.9.0 {marker}\n"
    )
    repo.commit({"deploy/app.yaml": manifest})
    await make_secret(world, "git", username="ada", password="s3cr3t")
    others = dataclasses.replace(world, run_id=run_id)
    login = {"url": server.url_of(), "ref": MAIN, "secretRef": {"name": "git"}}
    await others.git_repository(**login, interval="1s")
    await others.kustomization(path="./deploy", targetNamespace=world.namespace)
    await world.image_repository(image=image, **registry.spec)
    await world.image_policy(policy={"semver": {"range": "1.x"}}, digestReflectionPolicy="IfNotPresent")
    await automation(world, update={"path": "deploy"})

    async def runs(tag: str, digest: str) -> None:
        async def check() -> bool:
            return await data_of(world, "app") == {"image": f"{image}:{tag}@{digest}"}

        await eventually(check)

    await runs("1.0.0", first)
    second = await registry.push("1.1.0")
    started = time.monotonic()
    await world.request(IMAGE_REPOSITORY, "app")
    await runs("1.1.0", second)

    assert time.monotonic() - started < 15
    await chosen(world, "1.1.0")
    obj = await settled(world, pushed=repo.show("rev-parse", "main"))
    assert repo.show("log", "--format=%an", "main").splitlines() == ["Bot", "Bot", "Ada"]
    revision = obj["status"]["observedSourceRevision"]
    for resource, name in ((GIT_REPOSITORY, "repo"), (KUSTOMIZATION, "web")):
        await world.ready(resource, name, revision=revision)
    assert (await world.get(IMAGE_UPDATE_AUTOMATION, "auto"))["status"]["observedPolicies"]["app"][
        "tag"
    ] == "1.1.0"
