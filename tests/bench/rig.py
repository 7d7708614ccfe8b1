"""What is measured: an API server, a git server and the controllers, each a process, and their costs."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.demo import git_server
from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from tests.bench.cost import Cost
from tests.bench.counting_proxy import COUNTS
from tests.bench.fleet import VERBS, Fleet, start_command, start_ours
from tests.e2e.conftest import NAMESPACE, install_crds
from tests.e2e.processes import Program
from tests.e2e.repository import Repository
from tests.e2e.world import World


@dataclass(frozen=True)
class Setting:
    """What to measure with: an own API server without a kubeconfig, our controllers without a command.

    `counted` puts a proxy between the controllers and the API server, as a command always has.
    """

    kubeconfig: str | None = None
    command: str | None = None
    counted: bool = False


@dataclass
class Rig:
    world: World
    fleet: Fleet
    repository: Repository
    server: Program | None
    counter_url: str = ""

    def cost(self) -> dict[str, Cost]:
        return self.fleet.costs() | ({"localcluster": Cost.of(self.server.pid)} if self.server else {})

    def requests(self) -> dict[str, float]:
        """API requests of the controllers so far, by verb."""
        if not self.counter_url:
            return self.fleet.requests()
        with urllib.request.urlopen(self.counter_url, timeout=5) as answer:
            counts = json.load(answer)
        return {verb: float(counts.get(verb, 0)) for verb in VERBS}


@asynccontextmanager
async def rig(folder: Path, setting: Setting) -> AsyncIterator[Rig]:
    """Everything up, in a fresh namespace; everything down afterwards."""
    with ExitStack() as stack:
        server, kubeconfig = None, Path(setting.kubeconfig or folder / "kubeconfig")
        if setting.kubeconfig is None:
            server = _start(stack, "localcluster", kubeconfig)
        await install_crds(kubeconfig)
        through, counter = kubeconfig, ""
        if setting.counted or setting.command:
            through = folder / "counted"
            _start(stack, "tests.bench.counting_proxy", through, f"--upstream={kubeconfig}")
            counter = json.loads(through.read_text())["clusters"][0]["cluster"]["server"] + COUNTS
        async with _namespace(kubeconfig) as world, _repository(folder) as repository:
            if setting.command:
                fleet = start_command(setting.command, through, world.run_id, folder)
            else:
                fleet = await asyncio.to_thread(start_ours, through, world.run_id, folder)
            try:
                yield Rig(world, fleet, repository, server, counter)
            finally:
                await world.clean_up()
                fleet.stop()


def _start(stack: ExitStack, module: str, kubeconfig: Path, *flags: str) -> Program:
    argv = [sys.executable, "-m", module, f"--kubeconfig={kubeconfig}", *flags]
    program = Program(module, argv, kubeconfig.with_suffix(".log"))
    program.start()
    stack.callback(program.stop)
    program.wait_file(kubeconfig)
    return program


@asynccontextmanager
async def _namespace(kubeconfig: Path) -> AsyncIterator[World]:
    run_id = secrets.token_hex(4)
    client = KubeClient(await connect(str(kubeconfig)))
    name = f"hw-bench-{run_id}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield World(client, Discovery(client), name, run_id, kubeconfig)
    finally:
        await client.delete(NAMESPACE, "", name)
        await client.close()


@asynccontextmanager
async def _repository(folder: Path) -> AsyncIterator[Repository]:
    root = folder / "git"
    root.mkdir()
    async with git_server.serving(root) as url:
        yield Repository.create(root, f"{url}/bench.git", "bench.git")


def percentile(samples: list[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Stopwatch:
    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
