from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.model.kinds import Resource
from tests.e2e.processes import Program

NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An API server: the one of HEADWATER_TEST_KUBECONFIG, else a localcluster."""
    given = os.environ.get("HEADWATER_TEST_KUBECONFIG")
    if given:
        yield given
        return
    folder = tmp_path_factory.mktemp("api")
    path: Path = folder / "kubeconfig"
    server = Program(
        "localcluster", [sys.executable, "-m", "localcluster", "--kubeconfig", str(path)], folder / "log"
    )
    server.start()
    try:
        server.wait_file(path)
        yield str(path)
    finally:
        server.stop()


@pytest.fixture
async def client(kubeconfig: str) -> AsyncIterator[KubeClient]:
    client = KubeClient(await connect(kubeconfig), user_agent="headwater-tests")
    yield client
    await client.close()


@pytest.fixture
async def namespace(client: KubeClient) -> AsyncIterator[str]:
    name = f"hw-{secrets.token_hex(4)}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    await client.delete(NAMESPACE, "", name)
