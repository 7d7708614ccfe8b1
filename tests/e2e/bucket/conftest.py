"""source-controller and kustomize-controller, and moto as the object store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Controllers
from tests.e2e.git_repository.words import make_secret
from tests.e2e.world import World
from tests.fakes.object_store import ACCESS, SECRET, MotoServer, moto_server
from tests.fakes.tls import Authority


@pytest.fixture
async def world(world: World, controllers: Controllers) -> World:
    """With controllers that run, and the keys of the object store."""
    assert controllers.source
    await make_secret(world, "keys", accesskey=ACCESS, secretkey=SECRET)
    return world


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with moto_server(tmp_path_factory.mktemp("moto")) as running:
        yield running


@pytest.fixture
def secure_moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MotoServer, Authority]]:
    """Over TLS, with a certificate of our own authority."""
    folder = tmp_path_factory.mktemp("moto-tls")
    authority = Authority(folder)
    ca, certificate, key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    ca.write_text(authority.pem)
    for file, text in zip((certificate, key), authority.issue("server"), strict=True):
        file.write_text(text)
    with moto_server(folder, str(certificate), str(key), ca=ca) as running:
        yield running, authority
