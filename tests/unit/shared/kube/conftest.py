"""A cluster for the tests of what talks to one: HEADWATER_TEST_KUBECONFIG, else a localcluster.

Every test has a namespace of its own and counts its requests.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.kube.access import connect
from shared.kube.apply import Applier, ApplyOptions
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import KubeError
from shared.kube.memory import Memory
from shared.kube.prune import Pruner
from shared.kube.tracker import Drift, Tracker
from shared.logic.changes import ChangeSet
from shared.logic.manifest import prepare
from shared.logic.owner import Owner
from shared.model.kinds import CONFIG_MAP, SECRET, Resource
from shared.model.meta import GroupKind, Object, ObjectKey

NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    given = os.environ.get("HEADWATER_TEST_KUBECONFIG")
    if given:
        yield Path(given)
        return
    folder = tmp_path_factory.mktemp("cluster")
    path = folder / "kubeconfig"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "localcluster", "--kubeconfig", str(path)],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + 20
            while not path.exists():
                assert server.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, "localcluster did not start"
                time.sleep(0.02)
            yield path
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


@dataclass
class Engine:
    """An applier with all its collaborators, in a namespace of its own."""

    client: KubeClient
    requests: Counter[str]
    namespace: str
    discovery: Discovery
    tracker: Tracker
    drifts: list[Drift] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owner = Owner(self.namespace, "apps")
        self.applier = Applier(self.client, self.discovery, self.tracker)
        self.pruner = Pruner(self.client, self.discovery, self.tracker)
        self.memory = Memory(ObjectKey(self.namespace, "apps"))
        self.tracker.subscribe(self.drifts.append)

    def config_map(self, name: str, **data: str) -> Object:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}

    async def apply(self, *objects: Object, options: ApplyOptions | None = None) -> ChangeSet:
        ready = prepare(objects, self.owner)
        return await self.applier.apply(ready, options or ApplyOptions(), self.memory)

    async def edit(self, name: str, patch: Object, resource: Resource = CONFIG_MAP) -> Object:
        """As somebody else."""
        return await self.client.patch(
            resource, self.namespace, name, patch, params={"fieldManager": "somebody-else"}
        )

    async def find(self, name: str, resource: Resource = CONFIG_MAP) -> Object | None:
        return await self.client.find(resource, self.namespace, name)

    def count(self) -> dict[str, int]:
        """Requests since the last time, watches and their lists not counted."""
        counted = dict(self.requests)
        self.requests.clear()
        return counted

    async def covered(self, *kinds: GroupKind) -> None:
        """Wait until the watches of these kinds are in place."""
        async with asyncio.timeout(10):
            while not all(self.tracker.covers(kind) for kind in kinds):
                await asyncio.sleep(0.01)
        self.count()

    async def drift(self, seconds: float = 5) -> Drift:
        async with asyncio.timeout(seconds):
            while not self.drifts:
                await asyncio.sleep(0.005)
        return self.drifts.pop(0)


def actions(changes: ChangeSet) -> list[str]:
    """`<name> <action>` of each entry."""
    return [f"{entry.ref.name} {entry.action}" for entry in changes]


@pytest.fixture
async def engine(kubeconfig: Path) -> AsyncIterator[Engine]:
    requests: Counter[str] = Counter()

    def observe(method: str, status: int) -> None:
        requests[method] += 1

    connection = await connect(str(kubeconfig))
    client = KubeClient(connection, user_agent="headwater-tests", observer=observe)
    watcher = KubeClient(connection, user_agent="headwater-tests")
    namespace = f"apply-{secrets.token_hex(4)}"
    await watcher.create(
        NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    )
    tracker = Tracker(watcher)
    running = asyncio.create_task(tracker.run())
    yield Engine(client, requests, namespace, Discovery(client), tracker)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    with suppress(KubeError):
        await watcher.delete(NAMESPACE, "", namespace)
    await client.close()


__all__ = ["CONFIG_MAP", "NAMESPACE", "SECRET", "Engine"]
