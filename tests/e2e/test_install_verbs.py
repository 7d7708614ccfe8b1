"""`headwater install`, `check` and `uninstall` against a cluster of their own: workloads stay all the way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION
from shared.model.meta import Object
from tests.e2e.processes import ROOT, Program

pytestmark = pytest.mark.e2e
FINALIZER = "finalizers.fluxcd.io"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    """An empty cluster: removing definitions would take those of other tests away."""
    path = tmp_path / "kubeconfig"
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(path)]
    server = Program("localcluster", argv, tmp_path / "log")
    server.start()
    try:
        server.wait_file(path)
        yield path
    finally:
        server.stop()


def headwater(kubeconfig: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments, "--kubeconfig", str(kubeconfig), "--timeout", "60s"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def make_workload(client: KubeClient) -> Object:
    """A Kustomization with its finalizer, and what it has applied."""
    meta = {"name": "web", "namespace": "default", "finalizers": [FINALIZER]}
    source = {"kind": "GitRepository", "name": "absent"}
    spec = {"interval": "1h", "prune": True, "sourceRef": source, "suspend": True}
    head = {"apiVersion": KUSTOMIZATION.api_version, "kind": KUSTOMIZATION.kind}
    await client.create(KUSTOMIZATION, {**head, "metadata": meta, "spec": spec})
    labels = {f"{KUSTOMIZATION.group}/name": "web", f"{KUSTOMIZATION.group}/namespace": "default"}
    owned = {"name": "owned", "namespace": "default", "labels": labels}
    return await client.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": owned})


async def test_from_nothing_and_back(kubeconfig: Path) -> None:
    assert headwater(kubeconfig, "check", "--pre")[0] == 0
    status, _, told = headwater(kubeconfig, "check")
    assert (status, told.splitlines()[-1]) == (1, "✗ check failed")

    status, out, told = headwater(kubeconfig, "install")
    assert status == 0, told
    assert "Deployment/flux-system/source-controller created" in out.splitlines()
    assert "✔ helm-controller: deployment ready" in told.splitlines()
    status, _, told = headwater(kubeconfig, "check")
    assert (status, told.splitlines()[-1]) == (0, "✔ all checks passed"), told

    client = KubeClient(await connect(str(kubeconfig)))
    try:
        made = await make_workload(client)
        status, again, told = await asyncio.to_thread(headwater, kubeconfig, "install")
        assert status == 0, told
        assert {line.rpartition(" ")[2] for line in again.splitlines()} == {"unchanged"}

        refused = await asyncio.to_thread(headwater, kubeconfig, "uninstall")
        assert refused[0] == 1
        dry = await asyncio.to_thread(headwater, kubeconfig, "uninstall", "--dry-run")
        assert dry[0] == 0
        assert "✔ Kustomization/default/web finalizers deleted (dry run)" in dry[2].splitlines()
        assert (await client.get(KUSTOMIZATION, "default", "web"))["metadata"]["finalizers"] == [FINALIZER]

        status, _, told = await asyncio.to_thread(headwater, kubeconfig, "uninstall", "--silent")
        assert status == 0, told
        assert told.splitlines()[-1] == "✔ uninstall finished"
        assert (await client.get(CONFIG_MAP, "default", "owned"))["metadata"] == made["metadata"]
        status, _, told = await asyncio.to_thread(headwater, kubeconfig, "uninstall", "--silent")
        assert status == 0, told
    finally:
        await client.close()
    assert headwater(kubeconfig, "check")[0] == 1
