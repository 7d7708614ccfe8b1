"""A cluster, the controllers and a git server for the end-to-end tests.

The cluster is the one of HEADWATER_TEST_KUBECONFIG where that is set, else a localcluster of this
session. Nothing assumes a clean slate: every run has its own label, every test its own namespace.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from cli.demo import git_server
from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import NotFound
from shared.model.kinds import Resource
from tests.e2e.processes import ROOT, ControllerProgram, Program, controller, free_port
from tests.e2e.repository import Repository
from tests.e2e.world import RUN_LABEL, World

NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
CRD = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)


@dataclass(frozen=True)
class Cluster:
    kubeconfig: Path
    genuine: bool


@pytest.fixture(scope="session")
def run_id() -> str:
    return secrets.token_hex(4)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    given = os.environ.get("HEADWATER_TEST_KUBECONFIG")
    if given:
        asyncio.run(install_crds(Path(given)))
        yield Cluster(Path(given), genuine=True)
        return
    folder = tmp_path_factory.mktemp("cluster")
    kubeconfig = folder / "kubeconfig"
    server = Program(
        "localcluster",
        [sys.executable, "-m", "localcluster", "--kubeconfig", str(kubeconfig)],
        folder / "log",
    )
    server.start()
    try:
        server.wait_file(kubeconfig)
        asyncio.run(install_crds(kubeconfig))
        yield Cluster(kubeconfig, genuine=False)
    finally:
        server.stop()


async def install_crds(kubeconfig: Path) -> None:
    client = KubeClient(await connect(str(kubeconfig)))
    try:
        for path in sorted((ROOT / "deploy/crds").rglob("*.yaml")):
            for document in yaml.safe_load_all(path.read_text()):
                if document and document.get("kind") == CRD.kind:
                    await client.apply(CRD, document, field_manager="headwater-tests")
                    await _established(client, document["metadata"]["name"])
    finally:
        await client.close()


async def _established(client: KubeClient, name: str) -> None:
    async with asyncio.timeout(30):
        while True:
            crd = await client.get(CRD, "", name)
            conditions = {c["type"]: c["status"] for c in (crd.get("status") or {}).get("conditions") or ()}
            if conditions.get("Established") == "True":
                return
            await asyncio.sleep(0.05)


@dataclass
class Controllers:
    source: ControllerProgram
    kustomize: ControllerProgram


@pytest.fixture(scope="session")
def controllers(
    cluster: Cluster, run_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controllers]:
    """Source and kustomize as two processes, for the tests that do not kill them."""
    both = start_controllers(cluster, run_id, tmp_path_factory.mktemp("controllers"))
    yield both
    for program in (both.kustomize, both.source):
        assert program.stop() == 0, program.tail()


def start_controllers(cluster: Cluster, run_id: str, folder: Path, *flags: str) -> Controllers:
    """Only objects with the run's label are theirs, so that several runs can share a cluster."""
    storage, port = folder / "storage", free_port()
    storage.mkdir(exist_ok=True)
    selector = f"--watch-label-selector={RUN_LABEL}={run_id}"
    source = controller(
        "source",
        cluster.kubeconfig,
        folder,
        selector,
        f"--storage-path={storage}",
        f"--storage-addr=127.0.0.1:{port}",
        f"--storage-adv-addr=127.0.0.1:{port}",
        *flags,
    )
    kustomize = controller(
        "kustomize",
        cluster.kubeconfig,
        folder,
        selector,
        "--requeue-dependency=1s",
        "--concurrent=4",
        "--headwater-loopback-bases",
        *flags,
    )
    source.start()
    kustomize.start()
    return Controllers(source, kustomize)


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    client = KubeClient(await connect(str(cluster.kubeconfig)), user_agent="headwater-tests")
    yield client
    await client.close()


@pytest.fixture
async def world(client: KubeClient, run_id: str, cluster: Cluster) -> AsyncIterator[World]:
    """A fresh namespace and the words to act in it."""
    namespace = f"hw-{run_id}-{secrets.token_hex(3)}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    world = World(client, Discovery(client), namespace, run_id, cluster.kubeconfig)
    yield world
    await world.clean_up()
    try:
        await client.delete(NAMESPACE, "", namespace)
    except NotFound:
        return


@dataclass(frozen=True)
class GitServer:
    root: Path
    url: str


@pytest.fixture(scope="session")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """Git over HTTP, in a thread of its own so that every test's event loop can use it."""
    root = tmp_path_factory.mktemp("git")
    stop, started = threading.Event(), threading.Event()
    urls: list[str] = []

    async def serve() -> None:
        async with git_server.serving(root) as url:
            urls.append(url)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="git server")
    thread.start()
    try:
        assert started.wait(10), "the git server did not start"
        yield GitServer(root, urls[0])
    finally:
        stop.set()
        thread.join(10)


@pytest.fixture
def repository(git: GitServer) -> Repository:
    """An empty repository of this test's own."""
    name = f"repo-{secrets.token_hex(4)}.git"
    return Repository.create(git.root, f"{git.url}/{name}", name)
