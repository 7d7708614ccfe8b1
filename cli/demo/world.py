"""Everything that runs during the demo, in the order in which it needs each other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from cli.demo import chat, git_server, registry
from cli.demo.chat import Chat
from cli.demo.objects import HOME, alert, provider
from cli.demo.processes import ROOT, Processes, free_port
from cli.demo.repository import NAME, Repository
from cli.demo.terminal import Terminal
from cli.demo.waiting import NotSeen, Target, Watcher, condition
from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.logic.go_yaml import read_documents
from shared.model.kinds import ALERT, PROVIDER, Resource
from shared.model.meta import Object

CRD = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
SOURCE, KUSTOMIZE, HELM = "source-controller", "kustomize-controller", "helm-controller"
IMAGES, NOTIFICATION = "image-automation-controller", "notification-controller"
CONTROLLERS = (NOTIFICATION, SOURCE, KUSTOMIZE, HELM, IMAGES)
CLUSTER = "localcluster"
_START_SECONDS = 20.0
_LOOK_SECONDS = 0.02


@dataclass(slots=True)
class World:
    """`url` of the git repository, `registry` as host:port, `metrics` by the name of the controller."""

    terminal: Terminal
    processes: Processes
    client: KubeClient
    watcher: Watcher
    repository: Repository
    chat: Chat
    url: str
    registry: str
    kubeconfig: Path
    metrics: Mapping[str, str]

    async def apply(self, resource: Resource, obj: Object) -> None:
        await self.client.apply(resource, obj, field_manager="headwater-demo")


@asynccontextmanager
async def running(folder: Path, terminal: Terminal) -> AsyncIterator[World]:
    """Start everything below `folder`; stop it at the end. Raises NotSeen, ProcessDied, GitFailed."""
    logs, scratch = folder / "logs", folder / "tmp"
    for made in (logs, scratch):
        made.mkdir()
    processes = Processes(logs, scratch)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(processes.stop)
        kubeconfig = folder / "kubeconfig"
        client = await _start_cluster(processes, kubeconfig, terminal)
        stack.push_async_callback(client.close)
        begun = time.monotonic()
        repository = await Repository.create(folder)
        address = await stack.enter_async_context(git_server.serving(repository.served))
        registry_host = await stack.enter_async_context(registry.serving())
        room = await stack.enter_async_context(chat.serving())
        terminal.seen("git server with a sample repository, registry, chat", time.monotonic() - begun)
        world = World(
            terminal=terminal,
            processes=processes,
            client=client,
            watcher=Watcher(client, terminal),
            repository=repository,
            chat=room,
            url=f"{address}/{NAME}",
            registry=registry_host,
            kubeconfig=kubeconfig,
            metrics={},
        )
        await _install(world)
        world.metrics = await _start_controllers(world, folder)
        yield world


async def _start_cluster(processes: Processes, kubeconfig: Path, terminal: Terminal) -> KubeClient:
    begun = time.monotonic()
    started = await processes.start(CLUSTER, ["localcluster", "--kubeconfig", str(kubeconfig)])
    while not kubeconfig.exists():  # noqa: ASYNC240 - microseconds, and nothing else runs yet
        _require_alive(started.name, started.process.returncode)
        _require_time(begun, "the embedded API server writes its kubeconfig")
        await asyncio.sleep(_LOOK_SECONDS)
    client = KubeClient(await connect(str(kubeconfig)), user_agent="headwater-demo")
    terminal.seen("Kubernetes API server (embedded)", time.monotonic() - begun)
    return client


async def _install(world: World) -> None:
    begun = time.monotonic()
    for path in sorted((ROOT / "deploy" / "crds").glob("*/*.toolkit.fluxcd.io.yaml")):
        for document in read_documents(path.read_text()):
            await world.apply(CRD, document.value)
            target = Target(CRD, "", document.value["metadata"]["name"])
            await world.watcher.until(target, _established, "the API server serves a new kind")
    await world.apply(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    # Before the controllers start, so that notification-controller knows them when it is ready.
    await world.apply(PROVIDER, provider(world.chat.url))
    await world.apply(ALERT, alert())
    world.terminal.seen("custom resource definitions, applied", time.monotonic() - begun)


def _established(obj: Object | None) -> bool:
    return condition(obj, "Established").get("status") == "True"


async def _start_controllers(world: World, folder: Path) -> Mapping[str, str]:
    """Each is its own process on its own ports; they meet only through the API server and HTTP."""
    begun = time.monotonic()
    ports = {name: (free_port(), free_port()) for name in CONTROLLERS}
    store, events = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    for name in ("artifacts", "tags"):
        (folder / name).mkdir()
    extra = {
        SOURCE: [
            f"--storage-path={folder / 'artifacts'}",
            f"--storage-addr={store}",
            f"--storage-adv-addr={store}",
        ],
        IMAGES: [f"--storage-path={folder / 'tags'}"],
        NOTIFICATION: [f"--events-addr={events}", f"--receiverAddr=127.0.0.1:{free_port()}"],
    }
    for name, (metrics, health) in ports.items():
        module = f"controllers.{name.removesuffix('-controller').replace('-', '_')}"
        common = [f"--kubeconfig={world.kubeconfig}", "--log-encoding=console"]
        addresses = [f"--metrics-addr=127.0.0.1:{metrics}", f"--health-addr=127.0.0.1:{health}"]
        own = extra.get(name, [])
        if name != NOTIFICATION:
            own = [*own, f"--events-addr=http://{events}/"]
        await world.processes.start(name, [module, *common, *addresses, *own])
    ready = [f"http://127.0.0.1:{health}/readyz" for _, health in ports.values()]
    await asyncio.gather(*(_answering(world, url, begun) for url in [*ready, f"http://{store}/"]))
    world.terminal.seen("the five controllers, a process each", time.monotonic() - begun)
    return {name: f"http://127.0.0.1:{metrics}/metrics" for name, (metrics, _) in ports.items()}


async def _answering(world: World, url: str, begun: float) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            for one in world.processes.running:
                _require_alive(one.name, one.process.returncode)
            _require_time(begun, f"{url} answers")
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(_LOOK_SECONDS)


def _require_alive(name: str, status: int | None) -> None:
    if status is not None:
        raise NotSeen(f"{name} ended by itself with status {status} while it was starting")


def _require_time(begun: float, what: str) -> None:
    if time.monotonic() - begun > _START_SECONDS:
        raise NotSeen(f"{what}: not seen within {_START_SECONDS:.0f} s")
