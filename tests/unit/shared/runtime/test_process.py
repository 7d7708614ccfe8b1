"""Both controllers as processes: how they start, what they cost, what they survive and how they end."""

from __future__ import annotations

import json
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.model.kinds import GIT_REPOSITORY, KUSTOMIZATION, LEASE
from tests.e2e.conftest import install_crds
from tests.e2e.processes import ControllerProgram, Program, controller, free_port
from tests.e2e.world import condition, eventually
from tests.make import git_repository, kustomization

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BOTH = ("source", "kustomize")
# Seconds within which a process ends that has nothing in hand; it takes one, but a machine may be busy.
SOON = 10.0
SHORT_LEASE = (
    "--enable-leader-election",
    "--leader-election-lease-duration=2s",
    "--leader-election-renew-deadline=1s",
    "--leader-election-retry-period=200ms",
)
MAX_RSS_MIB = 65


def lines(program: Program) -> list[dict]:
    text = program.log.read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def said(program: Program, message: str) -> list[dict]:
    return [line for line in lines(program) if line["msg"] == message]


def make(module: str, kubeconfig: str | Path, folder: Path, *flags: str, **env: str) -> ControllerProgram:
    given = list(flags)
    if module == "source":
        storage, port = folder / "storage", free_port()
        storage.mkdir(exist_ok=True)
        given += [
            f"--storage-path={storage}",
            f"--storage-addr=127.0.0.1:{port}",
            f"--storage-adv-addr=127.0.0.1:{port}",
        ]
    return controller(module, Path(kubeconfig), folder, *given, **env)


def wait_said(program: Program, message: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not said(program, message):
        assert time.monotonic() < deadline, f"never said {message!r}:\n{program.tail()}"
        assert program.alive, program.tail()
        time.sleep(0.02)


def stop(program: Program, seconds: float = SOON) -> int:
    return program.stop(seconds)


@dataclass
class Api:
    """An API server of the test's own, to be stopped and started again."""

    program: Program
    kubeconfig: Path

    def start(self) -> None:
        self.program.start()
        deadline = time.monotonic() + 20
        port = int(self.program.argv[-1].rpartition(":")[2])
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, self.program.tail()
                time.sleep(0.02)
            else:
                self.program.wait_file(self.kubeconfig)
                return


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    path, port = tmp_path / "kubeconfig", free_port()
    # The same credentials after a restart.
    same = ["--data", str(tmp_path / "data"), "--token", "t", "--insecure-http"]
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(path), *same]
    made = Api(Program("localcluster", [*argv, "--listen", f"127.0.0.1:{port}"], tmp_path / "api.log"), path)
    made.start()
    yield made
    made.program.kill()


@pytest.fixture
def started() -> Iterator[list[Program]]:
    """Whatever a test puts here does not outlive it."""
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


def away(tmp_path: Path, kubeconfig: str) -> Path:
    """A kubeconfig of a server that is not there."""
    text = Path(kubeconfig).read_text()
    start = text.index("https://127.0.0.1:")
    port = text[start + len("https://127.0.0.1:") :].split()[0].strip("\"',}")
    path = tmp_path / "away"
    path.write_text(text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}"))
    return path


@pytest.mark.parametrize("module", BOTH)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_with_zero(module, number, kubeconfig, tmp_path, started):
    program = make(module, kubeconfig, tmp_path)
    started.append(program)
    program.start()
    wait_said(program, "started")
    process = program._process
    process.send_signal(number)
    assert process.wait(SOON) == 0, program.tail()
    assert [line["msg"] for line in lines(program) if line["level"] == "error"] == []
    assert lines(program)[-1]["msg"] == "stopped"


@pytest.mark.parametrize("flags", [(), SHORT_LEASE], ids=["alone", "with leader election"])
@pytest.mark.parametrize("module", BOTH)
def test_a_signal_ends_it_though_no_server_is_there(module, flags, kubeconfig, tmp_path, started):
    program = make(module, away(tmp_path, kubeconfig), tmp_path, *flags)
    started.append(program)
    program.start()
    wait_said(program, "lease request failed" if flags else "watch broke off")
    assert stop(program) == 0, program.tail()


@pytest.mark.parametrize("module", BOTH)
def test_a_signal_ends_it_though_the_kinds_are_not_served(module, api, tmp_path, started):
    program = make(module, api.kubeconfig, tmp_path)
    started.append(program)
    program.start()
    wait_said(program, "kind is not served")
    assert program.alive
    assert stop(program) == 0, program.tail()


@pytest.mark.parametrize("flag", ["--health-addr", "--metrics-addr"])
@pytest.mark.parametrize("module", BOTH)
def test_a_taken_port_ends_it_with_one_and_a_line(module, flag, kubeconfig, tmp_path, started):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "{}:{}".format(*taken.getsockname())
        program = make(module, kubeconfig, tmp_path, f"{flag}={address}")
        started.append(program)
        Program.start(program)
        assert program._process.wait(30) == 1, program.tail()
    (line,) = said(program, "cannot go on")
    assert "address already in use" in line["error"]
    assert address.rpartition(":")[2] in line["error"]
    assert "Traceback" not in program.log.read_text()


def test_a_taken_storage_port_says_so_too(kubeconfig, tmp_path, started):
    """It is opened within task groups within task groups."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "{}:{}".format(*taken.getsockname())
        program = make("source", kubeconfig, tmp_path, *SHORT_LEASE, RUNTIME_NAMESPACE="default")
        program.argv.append(f"--storage-addr={address}")
        started.append(program)
        Program.start(program)
        assert program._process.wait(30) == 1, program.tail()
    (line,) = said(program, "cannot go on")
    assert "address already in use" in line["error"]


@pytest.mark.parametrize("module", BOTH)
def test_without_a_kubeconfig_it_says_what_is_missing(module, tmp_path, started):
    program = make(module, tmp_path / "nowhere", tmp_path)
    started.append(program)
    Program.start(program)
    assert program._process.wait(30) == 1, program.tail()
    (line,) = said(program, "cannot go on")
    assert "no access to a Kubernetes API" in line["error"]


async def test_they_outlive_the_api_server(api, tmp_path, started):
    """Killed for three seconds and started again with its data: what changed is reconciled."""
    await install_crds(api.kubeconfig)
    programs = [make(module, api.kubeconfig, tmp_path) for module in BOTH]
    started.extend(programs)
    for program in programs:
        program.start()
        wait_said(program, "started")
    api.program.kill()
    for program in programs:
        wait_said(program, "watch broke off")
    time.sleep(1)
    api.start()
    client = KubeClient(await connect(str(api.kubeconfig)))
    for resource, made in (
        (GIT_REPOSITORY, git_repository(namespace="default", url="http://127.0.0.1:1/repo.git")),
        (KUSTOMIZATION, kustomization(namespace="default")),
    ):
        for field in ("uid", "resourceVersion", "generation"):
            del made["metadata"][field]
        await client.create(resource, made)

    async def both_say_so() -> bool:
        repo = await client.get(GIT_REPOSITORY, "default", "repo")
        web = await client.get(KUSTOMIZATION, "default", "web")
        return condition(repo, "Ready").get("status") == condition(web, "Ready").get("status") == "False"

    await eventually(both_say_so, seconds=20)
    await client.close()
    for program in programs:
        assert stop(program) == 0, program.tail()


async def test_the_lease_is_let_go_at_the_end(client, namespace, kubeconfig, tmp_path, started):
    program = make("kustomize", kubeconfig, tmp_path, *SHORT_LEASE, RUNTIME_NAMESPACE=namespace)
    started.append(program)
    program.start()
    wait_said(program, "started")
    name = "kustomize-controller-leader-election"
    assert (await client.get(LEASE, namespace, name))["spec"]["holderIdentity"]
    assert program.metric("leader_election_master_status", name=name) == 1
    assert stop(program) == 0, program.tail()
    assert not (await client.get(LEASE, namespace, name))["spec"].get("holderIdentity")


def test_a_leader_that_lost_the_server_ends_with_one(api, tmp_path, started):
    program = make("kustomize", api.kubeconfig, tmp_path, *SHORT_LEASE, RUNTIME_NAMESPACE="default")
    started.append(program)
    program.start()
    wait_said(program, "started")
    api.program.kill()
    assert program._process.wait(SOON) == 1, program.tail()
    (line,) = said(program, "cannot go on")
    assert "could not be renewed" in line["error"]


def rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def test_what_they_cost_after_one_reconcile(client, kubeconfig, tmp_path, started):
    """Memory of the real processes: what a small cluster pays for doing nothing."""
    await install_crds(Path(kubeconfig))
    run = secrets.token_hex(4)
    programs = [make(module, kubeconfig, tmp_path, f"--watch-label-selector=run={run}") for module in BOTH]
    started.extend(programs)
    for program in programs:
        program.start()
    objects = [
        (GIT_REPOSITORY, git_repository(f"r-{run}", "default", url="http://127.0.0.1:1/repo.git")),
        (KUSTOMIZATION, kustomization(f"k-{run}", "default")),
    ]
    for resource, made in objects:
        for field in ("uid", "resourceVersion", "generation"):
            del made["metadata"][field]
        made["metadata"]["labels"] = {"run": run}
        await client.create(resource, made)
    for (resource, made), program in zip(objects, programs, strict=True):

        async def done(resource=resource, name=made["metadata"]["name"]) -> bool:
            return bool(condition(await client.get(resource, "default", name), "Ready"))

        await eventually(done, seconds=15)
        assert rss_mib(program.pid) < MAX_RSS_MIB, program.name
    for resource, made in objects:
        await client.delete(resource, "default", made["metadata"]["name"])
    for resource, made in objects:

        async def gone(resource=resource, name=made["metadata"]["name"]) -> bool:
            return await client.find(resource, "default", name) is None

        await eventually(gone, seconds=15)
    for program in programs:
        assert stop(program) == 0, program.tail()
