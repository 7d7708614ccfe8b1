"""What is measured: an API server, a git server and the controllers, each a process, and their costs."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.demo import git_server
from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from tests.e2e.conftest import NAMESPACE, Cluster, Controllers, install_crds, start_controllers
from tests.e2e.processes import Program
from tests.e2e.repository import Repository
from tests.e2e.world import World

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU in seconds, memory in MiB; the peak is since the start of the process."""

    cpu: float
    rss: float
    peak: float

    @classmethod
    def of(cls, pid: int) -> Cost:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        memory = {
            key: float(value.split()[0]) / 1024
            for key, _, value in (
                line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            )
            if key in {"VmRSS", "VmHWM"}
        }
        return cls((int(fields[11]) + int(fields[12])) / _TICKS, memory["VmRSS"], memory["VmHWM"])


@dataclass
class Rig:
    world: World
    controllers: Controllers
    repository: Repository
    server: Program | None

    def cost(self) -> dict[str, Cost]:
        programs = {
            "source-controller": self.controllers.source,
            "kustomize-controller": self.controllers.kustomize,
        }
        costs = {name: Cost.of(program.pid) for name, program in programs.items()}
        return costs | ({"localcluster": Cost.of(self.server.pid)} if self.server else {})

    def requests(self) -> dict[str, float]:
        """API requests of both controllers so far, by verb."""
        verbs = ("GET", "PATCH", "POST", "PUT", "DELETE", "WATCH")
        programs = (self.controllers.source, self.controllers.kustomize)
        return {
            verb: sum(program.metric("rest_client_requests_total", method=verb) for program in programs)
            for verb in verbs
        }


@asynccontextmanager
async def rig(folder: Path, kubeconfig: str | None) -> AsyncIterator[Rig]:
    """Everything up, in a fresh namespace; everything down afterwards."""
    server: Program | None = None
    if kubeconfig is None:
        path = folder / "kubeconfig"
        server = Program(
            "localcluster",
            [sys.executable, "-m", "localcluster", "--kubeconfig", str(path)],
            folder / "server.log",
        )
        server.start()
        server.wait_file(path)
        kubeconfig = str(path)
    await install_crds(Path(kubeconfig))
    run_id = secrets.token_hex(4)
    client = KubeClient(await connect(kubeconfig))
    namespace = f"hw-bench-{run_id}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    world = World(client, Discovery(client), namespace, run_id, Path(kubeconfig))
    root = folder / "git"
    root.mkdir()
    async with git_server.serving(root) as url:
        repository = Repository.create(root, f"{url}/bench.git", "bench.git")
        programs = await asyncio.to_thread(
            start_controllers,
            Cluster(Path(kubeconfig), genuine=server is None),
            run_id,
            folder,
            "--log-level=info",
        )
        try:
            yield Rig(world, programs, repository, server)
        finally:
            await world.clean_up()
            programs.kustomize.stop()
            programs.source.stop()
            await client.delete(NAMESPACE, "", namespace)
            await client.close()
            if server is not None:
                server.stop()


def percentile(samples: list[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Stopwatch:
    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
