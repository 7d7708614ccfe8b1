"""Two clusters: the one that manages, and a remote one. Each is a process of its own."""

from __future__ import annotations

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


def _cluster(folder: Path) -> Iterator[Path]:
    path = folder / "kubeconfig"
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(path), "--no-workloads"]
    server = Program("localcluster", argv, folder / "log")
    server.start()
    try:
        server.wait_file(path)
        yield path
    finally:
        server.stop()


@pytest.fixture(scope="session")
def management_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from _cluster(tmp_path_factory.mktemp("management"))


@pytest.fixture(scope="session")
def remote_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from _cluster(tmp_path_factory.mktemp("remote"))


@pytest.fixture
async def management(management_kubeconfig: Path) -> AsyncIterator[KubeClient]:
    client = KubeClient(await connect(str(management_kubeconfig)), user_agent="tests")
    yield client
    await client.close()


@pytest.fixture
async def remote(remote_kubeconfig: Path) -> AsyncIterator[KubeClient]:
    client = KubeClient(await connect(str(remote_kubeconfig)), user_agent="tests")
    yield client
    await client.close()


@pytest.fixture
async def namespace(management: KubeClient, remote: KubeClient) -> str:
    """The same name in both; the clusters end with the session."""
    name = f"hw-{secrets.token_hex(4)}"
    for client in (management, remote):
        await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name
