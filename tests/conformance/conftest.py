"""One localcluster for all tests with genuine clients; each test has a namespace of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import peers
from tests.conformance.genuine import WEB, Client, start_localcluster


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    server, path = start_localcluster(tmp_path_factory.mktemp("localcluster"), "--workload-delay", "100ms")
    yield path
    alive = server.alive
    server.stop()
    assert alive, f"localcluster died:\n{server.tail()}"
    assert "Traceback" not in server.tail(10_000), server.tail(10_000)


def _client(name: str, kubeconfig: Path, home: Path) -> Client:
    binary = peers.find(name)
    if binary is None:
        pytest.skip(f"no genuine {name} (`make peers` fetches it)")
    return Client(binary, kubeconfig, home)


@pytest.fixture(scope="session")
def anywhere(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """kubectl without a namespace of its own."""
    return _client("kubectl", kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def namespace(anywhere: Client) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    anywhere.run("create", "namespace", name)
    yield name
    anywhere.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def kubectl(anywhere: Client, namespace: str, tmp_path: Path) -> Client:
    """kubectl, at home in the test's namespace."""
    own = tmp_path / "kubeconfig"
    own.write_bytes(anywhere.kubeconfig.read_bytes())
    own.chmod(0o600)
    client = Client(anywhere.binary, own, tmp_path)
    client.run("config", "set-context", "--current", "--namespace", namespace)
    return client


@pytest.fixture
def web(kubectl: Client) -> Client:
    """kubectl, with a Deployment of two ready replicas."""
    kubectl.run("apply", "--server-side", "-f", "-", stdin=WEB)
    kubectl.run("rollout", "status", "deployment/web", "--timeout=20s")
    return kubectl


@pytest.fixture
def helm(kubectl: Client) -> Client:
    return _client("helm", kubectl.kubeconfig, kubectl.home)
