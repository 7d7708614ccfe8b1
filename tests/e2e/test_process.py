"""Processes among themselves: leaders, shards, stops in the middle, and an API server that comes back.

`source` and `start` come before `world` in the tests' arguments: what the world tidies up at the end
needs controllers that run.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import KubeError
from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION, LEASE
from tests.e2e.conftest import NAMESPACE, Cluster, install_crds, start_controllers
from tests.e2e.processes import ControllerProgram, Program, controller, free_port
from tests.e2e.repository import Repository, config_map
from tests.e2e.world import RUN_LABEL, World, condition, eventually

pytestmark = pytest.mark.e2e

SHORT_LEASE = (
    "--enable-leader-election",
    "--leader-election-lease-duration=3s",
    "--leader-election-renew-deadline=2s",
    "--leader-election-retry-period=300ms",
)
SOURCE = {"ref": {"branch": "main"}}
Start = Callable[..., ControllerProgram]


@pytest.fixture
def start(cluster: Cluster, tmp_path: Path) -> Iterator[Start]:
    """A kustomize-controller with these flags; it does not outlive the test."""
    programs: list[ControllerProgram] = []

    def begin(*flags: str, **env: str) -> ControllerProgram:
        folder = tmp_path / f"controller-{len(programs)}"
        folder.mkdir()
        program = controller(
            "kustomize", cluster.kubeconfig, folder, "--requeue-dependency=1s", *flags, **env
        )
        programs.append(program)
        program.start()
        return program

    yield begin
    for program in programs:
        if program.alive:
            program.kill()


@pytest.fixture
def source(cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """The run id of objects that only this test's source-controller and kustomize-controllers see."""
    run_id, port = secrets.token_hex(4), free_port()
    (tmp_path / "storage").mkdir()
    program = controller(
        "source",
        cluster.kubeconfig,
        tmp_path,
        f"--watch-label-selector={RUN_LABEL}={run_id}",
        f"--storage-path={tmp_path / 'storage'}",
        f"--storage-addr=127.0.0.1:{port}",
        f"--storage-adv-addr=127.0.0.1:{port}",
    )
    program.start()
    yield run_id
    program.stop()


def passes(program: ControllerProgram, name: str) -> float:
    return program.metric("gotk_reconcile_duration_seconds_count", kind="Kustomization", name=name)


def leads(program: ControllerProgram) -> bool:
    return program.metric("leader_election_master_status") == 1


async def test_one_of_two_acts_and_the_other_takes_over(
    source: str, start: Start, world: World, repository: Repository
) -> None:
    world.run_id = source
    flags = [f"--watch-label-selector={RUN_LABEL}={source}", *SHORT_LEASE]
    both = [start(*flags, RUNTIME_NAMESPACE=world.namespace) for _ in range(2)]

    async def one_leads() -> bool:
        return any(leads(program) for program in both)

    await eventually(one_leads)
    leader, other = sorted(both, key=leads, reverse=True)
    repository.commit({"web.yaml": config_map("web", version="1")})
    await world.git_repository(url=repository.url, **SOURCE)
    await world.kustomization(targetNamespace=world.namespace)
    await world.ready(KUSTOMIZATION, "web")
    assert (passes(leader, "web") > 0, passes(other, "web"), leads(other)) == (True, 0, False)

    leader.kill()
    revision = repository.commit({"web.yaml": config_map("web", version="2")})
    await world.request(GIT_REPOSITORY, "repo")
    await world.ready(KUSTOMIZATION, "web", revision=revision, seconds=15)
    assert leads(other)
    (lease,) = (await world.client.list(LEASE, world.namespace)).items
    assert lease["metadata"]["name"].startswith("kustomize-controller-leader-election-")
    assert lease["spec"]["leaseTransitions"] == 1


async def test_a_stop_in_the_middle_leaves_nothing_half_said(
    source: str, start: Start, world: World, repository: Repository
) -> None:
    """SIGTERM while objects are being applied: exit 0, lawful status, and a successor that finishes."""
    world.run_id = source
    flags = [f"--watch-label-selector={RUN_LABEL}={source}", "--concurrent-ssa=1"]
    program = start(*flags)
    files = {f"{number}.yaml": config_map(f"web-{number}", value="1") for number in range(150)}
    revision = repository.commit(files)
    await world.git_repository(url=repository.url, **SOURCE)
    await world.kustomization(targetNamespace=world.namespace)

    async def has_begun() -> bool:
        found = await world.client.list(CONFIG_MAP, world.namespace)
        return any(item["metadata"]["name"].startswith("web-") for item in found.items)

    await eventually(has_begun)
    assert program.stop() == 0, program.tail()
    before = await world.get(KUSTOMIZATION, "web")
    assert condition(before, "Ready"), "the status tells of the attempt"
    start(*flags)
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    live = await world.client.list(
        CONFIG_MAP, world.namespace, label_selector="kustomize.toolkit.fluxcd.io/name=web"
    )
    assert len(live.items) == 150


async def test_one_namespace_is_enough(
    source: str, start: Start, world: World, client: KubeClient, repository: Repository
) -> None:
    """--watch-all-namespaces=false: what lies elsewhere is not touched."""
    world.run_id = source
    elsewhere = World(client, world.discovery, f"{world.namespace}-b", source, world.kubeconfig)
    await client.create(
        NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere.namespace}}
    )
    program = start(
        f"--watch-label-selector={RUN_LABEL}={source}",
        "--watch-all-namespaces=false",
        RUNTIME_NAMESPACE=world.namespace,
    )
    repository.commit({"web.yaml": config_map("web", answer="42")})
    try:
        for place in (elsewhere, world):
            await place.git_repository(url=repository.url, **SOURCE)
            await place.kustomization(targetNamespace=place.namespace)
        await world.ready(KUSTOMIZATION, "web")
        await elsewhere.ready(GIT_REPOSITORY, "repo")
        assert program.metric("gotk_reconcile_duration_seconds_count", namespace=elsewhere.namespace) == 0
        assert condition(await elsewhere.get(KUSTOMIZATION, "web"), "Ready").get("status") != "True"
    finally:
        await elsewhere.clean_up()
        await client.delete(NAMESPACE, "", elsewhere.namespace)


async def test_shards_share_the_work(source: str, start: Start, world: World, repository: Repository) -> None:
    """Two controllers, one per label value, each with a lease of its own: both act, each on its own."""
    world.run_id = source
    key = "sharding.fluxcd.io/key"
    mine = f"{RUN_LABEL}={source}"
    shard = start(f"--watch-label-selector={mine},{key}=a", *SHORT_LEASE, RUNTIME_NAMESPACE=world.namespace)
    rest = start(f"--watch-label-selector={mine},!{key}", *SHORT_LEASE, RUNTIME_NAMESPACE=world.namespace)
    repository.commit({"web.yaml": config_map("web", answer="42")})
    await world.git_repository(url=repository.url, **SOURCE)
    for name in ("in-the-shard", "in-the-rest"):
        await world.kustomization(name, targetNamespace=world.namespace, namePrefix=f"{name}-")
    await world.client.patch(
        KUSTOMIZATION, world.namespace, "in-the-shard", {"metadata": {"labels": {key: "a"}}}
    )
    for name in ("in-the-shard", "in-the-rest"):
        await world.ready(KUSTOMIZATION, name)
    assert len((await world.client.list(LEASE, world.namespace)).items) == 2
    assert passes(shard, "in-the-rest") == 0
    before = passes(rest, "in-the-shard")
    token = await world.request(KUSTOMIZATION, "in-the-shard")
    await world.until(
        KUSTOMIZATION, "in-the-shard", lambda obj: obj["status"].get("lastHandledReconcileAt") == token
    )
    assert passes(shard, "in-the-shard") > 0
    assert passes(rest, "in-the-shard") == before


class Sink(http.server.ThreadingHTTPServer):
    """A notification service that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.bodies: list[dict] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        return


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_the_notification_service_hears_of_it(
    source: str, start: Start, world: World, repository: Repository, sink: Sink
) -> None:
    world.run_id = source
    start(f"--watch-label-selector={RUN_LABEL}={source}", f"--events-addr={sink.url}")
    revision = repository.commit({"web.yaml": config_map("web", answer="42")})
    await world.git_repository(url=repository.url, **SOURCE)
    await world.kustomization(targetNamespace=world.namespace)
    await world.ready(KUSTOMIZATION, "web")

    async def heard() -> bool:
        return any(body["reason"] == "ReconciliationSucceeded" for body in sink.bodies)

    await eventually(heard)
    repository.commit({"web.yaml": "no: [valid"})
    await world.request(GIT_REPOSITORY, "repo")
    await world.failing(KUSTOMIZATION, "web", "BuildFailed")

    async def heard_of_the_failure() -> bool:
        return any(body["severity"] == "error" for body in sink.bodies)

    await eventually(heard_of_the_failure)
    good = next(body for body in sink.bodies if body["reason"] == "ReconciliationSucceeded")
    bad = next(body for body in sink.bodies if body["severity"] == "error")
    assert good["severity"] == "info"
    assert good["involvedObject"]["name"] == "web"
    assert good["involvedObject"]["namespace"] == world.namespace
    assert good["reportingController"] == "kustomize-controller"
    assert revision in good["metadata"].values()
    assert (bad["reason"], "web.yaml" in bad["message"]) == ("BuildFailed", True)


async def test_everything_goes_on_when_the_api_server_comes_back(
    repository: Repository, tmp_path: Path
) -> None:
    """A localcluster of the test's own, killed under both controllers and started with its data."""
    kubeconfig, run_id = tmp_path / "kubeconfig", secrets.token_hex(4)
    flags = ["--data", str(tmp_path / "data"), "--token", "t", "--insecure-http"]
    listen = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(kubeconfig), "--listen", listen, *flags]
    server = Program("localcluster", argv, tmp_path / "server.log")
    server.start()
    server.wait_file(kubeconfig)
    await install_crds(kubeconfig)
    programs = start_controllers(Cluster(kubeconfig, genuine=False), run_id, tmp_path)
    client = KubeClient(await connect(str(kubeconfig)))
    world = World(client, Discovery(client), "default", run_id, kubeconfig)
    try:
        repository.commit({"web.yaml": config_map("web", version="1")})
        await world.git_repository(url=repository.url, **SOURCE, interval="1s")
        await world.kustomization(targetNamespace="default", interval="2s")
        await world.ready(KUSTOMIZATION, "web")
        server.kill()
        revision = repository.commit({"web.yaml": config_map("web", version="2")})
        await asyncio.sleep(2)
        server.start()
        await eventually(lambda: _answers(client), seconds=20)
        await world.ready(KUSTOMIZATION, "web", revision=revision)
        await client.patch(CONFIG_MAP, "default", "web", {"data": {"version": "by hand"}})

        async def healed() -> bool:
            return bool((await client.get(CONFIG_MAP, "default", "web"))["data"]["version"] == "2")

        await eventually(healed)
        for program in (programs.kustomize, programs.source):
            assert program.stop() == 0, program.tail()
    finally:
        await client.close()
        programs.kustomize.kill()
        programs.source.kill()
        server.kill()


async def _answers(client: KubeClient) -> bool:
    try:
        await client.list(NAMESPACE)
    except KubeError:
        return False
    return True
