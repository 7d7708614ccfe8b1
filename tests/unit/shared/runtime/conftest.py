from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.model.kinds import GIT_REPOSITORY, Resource
from shared.model.meta import Object, ObjectKey
from shared.runtime.controller import Controller
from shared.runtime.events import Recorder
from shared.runtime.flags import Flags
from shared.runtime.kind import Kind
from shared.runtime.metrics import Metrics
from shared.runtime.outcome import Done, Outcome
from shared.runtime.report import Report
from shared.runtime.services import Services
from tests.e2e.conftest import CRD
from tests.e2e.processes import ROOT, Program
from tests.make import git_repository

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


@pytest.fixture
async def git_repositories(client: KubeClient) -> None:
    """The kind is served."""
    path = next(ROOT.glob("deploy/crds/**/gitrepositories*.yaml"))
    await client.apply(CRD, yaml.safe_load(path.read_text()), field_manager="tests")


async def succeed(report: Report) -> Outcome:
    report.conditions.mark_true("Ready", "Succeeded", "all is well")
    return Done(None)


class Rig:
    """A controller of the GitRepositories of one namespace; its reconcile does what the test says."""

    def __init__(self, client: KubeClient, namespace: str, *flags: str) -> None:
        self.client, self.namespace = client, namespace
        self.passes: list[str] = []
        self.act: Callable[[Report], Awaitable[Outcome]] = succeed
        self.forgotten: list[ObjectKey] = []
        self.metrics = Metrics()
        given = Flags("test-controller", concurrent=2, gates={}, env={"RUNTIME_NAMESPACE": namespace})
        settings, _ = given.parse(["--watch-all-namespaces=false", "--min-retry-delay=50ms", *flags])
        recorder = Recorder(client, controller="test-controller")
        kind = Kind(
            GIT_REPOSITORY, ObjectKey.of, self._reconcile, self._finalize, field_manager="test-controller"
        )
        services = Services(client, Discovery(client), recorder, self.metrics, settings)
        self.controller = Controller(kind, services, forget=self.forgotten.append)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.controller.run(stop, grace=5))
        await self.controller.cache.synced.wait()
        try:
            yield
        finally:
            stop.set()
            await task

    async def create(self, name: str = "repo", **spec: object) -> Object:
        made = git_repository(name, self.namespace, **spec)
        for field in ("uid", "resourceVersion", "generation"):
            del made["metadata"][field]
        return await self.client.create(GIT_REPOSITORY, made)

    async def patch(self, body: Object, name: str = "repo", **kind: str) -> Object:
        return await self.client.patch(GIT_REPOSITORY, self.namespace, name, body, **kind)

    async def get(self, name: str = "repo") -> Object:
        return await self.client.get(GIT_REPOSITORY, self.namespace, name)

    def key(self, name: str = "repo") -> ObjectKey:
        return ObjectKey(self.namespace, name)

    def metric(self, series: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(series, labels)

    async def until(self, holds: Callable[[], bool], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.005)

    async def quiet(self, seconds: float = 0.25) -> int:
        """The passes so far, after a while in which another would have come."""
        await asyncio.sleep(seconds)
        return len(self.passes)

    async def _reconcile(self, key: ObjectKey, report: Report) -> Outcome:
        self.passes.append(key.name)
        return await self.act(report)

    async def _finalize(self, _key: ObjectKey, _report: Report) -> None:
        return


@pytest.fixture
def rig(git_repositories: None, client: KubeClient, namespace: str) -> Callable[..., Rig]:
    def make(*flags: str) -> Rig:
        return Rig(client, namespace, *flags)

    return make
