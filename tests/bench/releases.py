"""Helm releases: from nothing to all ready, what a pass without a change costs, and what that takes.

The sources are there already, so that the figures are those of helm-controller alone.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.model.kinds import HELM_RELEASE
from tests.bench.cost import Cost, below
from tests.bench.rig import Stopwatch
from tests.bench.scenarios import Figures
from tests.e2e.conftest import NAMESPACE, install_crds
from tests.e2e.helm_release.charts import CONFIG_MAP, DEPLOYMENT, Chart, ChartServer
from tests.e2e.helm_release.words import Releases
from tests.e2e.processes import ControllerProgram, Program, controller
from tests.e2e.world import RUN_LABEL, World, condition, eventually

SERVICE = """
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: 80}]
"""
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ .Release.Name }}\n"
SMALL = Chart(
    files={
        "config.yaml": CONFIG_MAP,
        "app.yaml": DEPLOYMENT,
        "service.yaml": SERVICE,
        "account.yaml": ACCOUNT,
    }
)


@dataclass
class _Peak:
    """The largest memory of a process and of all below it together, in MiB, sampled while it works."""

    pid: int
    controller: float = 0.0
    together: float = 0.0

    async def watch(self) -> None:
        while True:
            own = Cost.of(self.pid).rss
            self.controller = max(self.controller, own)
            self.together = max(self.together, own + sum(_rss(child) for child in below(self.pid)))
            await asyncio.sleep(0.1)


def _rss(pid: int) -> float:
    try:
        return Cost.of(pid).rss
    except (OSError, KeyError):
        return 0.0


async def release_figures(count: int, kubeconfig: str | None) -> Figures:
    """`count` releases of four objects each, with the controller's defaults."""
    with (
        tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder,
        _cluster(Path(folder), kubeconfig) as path,
    ):
        async with _rig(Path(folder), path) as (releases, program):
            await releases.offer(SMALL)
            peak = _Peak(program.pid)
            sampling = asyncio.create_task(peak.watch(), name="sample memory")
            before, watch = Cost.of(program.pid), Stopwatch()
            await asyncio.gather(
                *(releases.release(f"app-{number}", timeout="5m") for number in range(count))
            )
            await eventually(lambda: _all_ready(releases), seconds=600)
            seconds = watch.seconds
            cpu = Cost.of(program.pid).cpu - before.cpu
            sampling.cancel()
            return {
                "seconds to all ready": seconds,
                "controller CPU s": cpu,
                "peak MiB of the controller": peak.controller,
                "peak MiB with its workers": peak.together,
            } | dict(await _no_op(releases, program, count))


async def _no_op(releases: Releases, program: ControllerProgram, count: int) -> Figures:
    """Every release is looked at every three seconds, and nothing has changed."""
    for number in range(count):
        await releases.change(f"app-{number}", interval="3s")
    await asyncio.sleep(8)

    def writes() -> float:
        return sum(
            program.metric("rest_client_requests_total", method=method)
            for method in ("POST", "PUT", "PATCH", "DELETE")
        )

    def passes() -> float:
        return program.metric("gotk_reconcile_duration_seconds_count", kind="HelmRelease")

    wrote, passed, before = writes(), passes(), Cost.of(program.pid)
    await asyncio.sleep(9)
    cost, done = Cost.of(program.pid), passes() - passed
    return {
        "no-op passes": done,
        "no-op writes": writes() - wrote,
        "no-op CPU ms per pass": (cost.cpu - before.cpu) / done * 1000,
    }


async def _all_ready(releases: Releases) -> bool:
    found = await releases.world.client.list(HELM_RELEASE, releases.world.namespace)
    return all(condition(item, "Ready").get("status") == "True" for item in found.items)


@contextmanager
def _cluster(folder: Path, kubeconfig: str | None) -> Iterator[Path]:
    if kubeconfig is not None:
        yield Path(kubeconfig)
        return
    path = folder / "kubeconfig"
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(path)]
    server = Program("localcluster", argv, folder / "server.log")
    server.start()
    try:
        server.wait_file(path)
        yield path
    finally:
        server.stop()


@asynccontextmanager
async def _rig(folder: Path, kubeconfig: Path) -> AsyncIterator[tuple[Releases, ControllerProgram]]:
    await install_crds(kubeconfig)
    run_id = secrets.token_hex(4)
    namespace = f"hw-bench-{run_id}"
    client = KubeClient(await connect(str(kubeconfig)))
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    charts = folder / "charts"
    charts.mkdir()
    server = ChartServer.start(charts)
    selector = f"--watch-label-selector={RUN_LABEL}={run_id}"
    program = controller("helm", kubeconfig, folder, selector, "--log-level=info")
    await asyncio.to_thread(program.start)
    world = World(client, Discovery(client), namespace, run_id, kubeconfig)
    try:
        yield Releases(world, server), program
    finally:
        await world.clean_up()
        program.stop()
        server.stop()
        await client.delete(NAMESPACE, "", namespace)
        await client.close()
