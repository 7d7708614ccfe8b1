"""The same with a genuine registry (Debian's docker-registry), behind TLS and a password."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import yaml

from shared.model.kinds import IMAGE_REPOSITORY
from shared.oci.authorization import Authorizations
from shared.oci.docker_config import Login
from shared.oci.errors import RegistryUnreachable
from shared.oci.opening import Opening
from shared.oci.push import push_artifact
from shared.oci.reference import Repository
from shared.oci.registry import opened
from tests.e2e.git_repository.words import make_secret
from tests.e2e.image.words import chosen, handled, message, pull_secret
from tests.e2e.processes import Program, free_port
from tests.e2e.world import World, eventually
from tests.fakes.tls import Authority

GENUINE = shutil.which("docker-registry")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures("scanning"),
    pytest.mark.skipif(GENUINE is None, reason="no docker-registry here: apt-get install docker-registry"),
]
LOGIN = Login("ada", "hunter2")


@dataclass(frozen=True)
class Genuine:
    host: str
    authority: Authority

    async def push(self, tag: str) -> str:
        """A small image; its digest."""
        opening = Opening(LOGIN, ca=self.authority.pem)
        repository = Repository(self.host, "team/app")
        async with opened(repository, opening, Authorizations(), actions="pull,push") as registry:
            return (await push_artifact(registry, tag, [(tag.encode(), "a/b")])).digest


@pytest.fixture
def genuine(tmp_path: Path) -> Iterator[Genuine]:
    assert GENUINE
    authority, port = Authority(tmp_path), free_port()
    for name, text in zip(("tls.crt", "tls.key"), authority.issue("registry"), strict=True):
        (tmp_path / name).write_text(text)
    hashed = bcrypt.hashpw(LOGIN.password.encode(), bcrypt.gensalt(4)).decode()
    (tmp_path / "htpasswd").write_text(f"{LOGIN.username}:{hashed}\n")
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}},
        "auth": {"htpasswd": {"realm": "here", "path": str(tmp_path / "htpasswd")}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {"certificate": str(tmp_path / "tls.crt"), "key": str(tmp_path / "tls.key")},
        },
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    program = Program(
        "docker-registry", [GENUINE, "serve", str(tmp_path / "config.yml")], tmp_path / "registry.log"
    )
    program.start()
    yield Genuine(f"127.0.0.1:{port}", authority)
    program.kill()


async def test_tags_and_digests_of_a_genuine_registry(world: World, genuine: Genuine) -> None:
    await _until_it_serves(genuine)
    digest = await genuine.push("1.0.0")
    await pull_secret(world, "pull", genuine.host, LOGIN)
    await make_secret(world, "trust", ca__crt=genuine.authority.pem)
    image = f"{genuine.host}/team/app"
    trust = {"certSecretRef": {"name": "trust"}}
    await world.image_repository(image=image, secretRef={"name": "pull"}, **trust)
    await world.image_repository("nobody", image=image, **trust)
    await world.image_policy(digestReflectionPolicy="IfNotPresent")

    policy = await chosen(world, "1.0.0")
    assert policy["status"]["latestRef"] == {"name": image, "tag": "1.0.0", "digest": digest}
    refused = await world.failing(IMAGE_REPOSITORY, "nobody", "ReadOperationFailed")
    assert "wants credentials" in message(refused)

    newer = await genuine.push("1.0.1")
    await handled(world)
    policy = await chosen(world, "1.0.1")
    assert policy["status"]["latestRef"]["digest"] == newer


async def _until_it_serves(genuine: Genuine) -> None:
    async def check() -> bool:
        try:
            await genuine.push("0.0.1")
        except RegistryUnreachable:
            return False
        return True

    await eventually(check, seconds=10)
