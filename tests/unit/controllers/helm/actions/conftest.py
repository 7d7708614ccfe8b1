"""A cluster for the tests of actions: a localcluster, since pods have to end well or badly as told."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.kube.tracker import Tracker
from shared.logic.owner import OwnerLabels
from tests.e2e.processes import Program
from tests.unit.controllers.helm.actions.stage import NAMESPACE, Stage


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cluster")
    path = folder / "kubeconfig"
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(path), "--workload-delay", "20ms"]
    server = Program("localcluster", argv, folder / "log")
    server.start()
    try:
        server.wait_file(path)
        yield path
    finally:
        server.stop()


@pytest.fixture
async def stage(kubeconfig: Path) -> AsyncIterator[Stage]:
    client = KubeClient(await connect(str(kubeconfig)), user_agent="headwater-tests")
    namespace = f"helm-{secrets.token_hex(4)}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    tracker = Tracker(client, labels=OwnerLabels.of_group("helm.toolkit.fluxcd.io"))
    running = asyncio.create_task(tracker.run())
    yield Stage(client, namespace, tracker)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    with suppress(KubeError):
        await client.delete(NAMESPACE, "", namespace)
    await client.close()
