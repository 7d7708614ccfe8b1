"""How much localcluster bears: applies per second, memory with many objects and watchers, workloads.

    python -m tests.bench.localcluster_load [--objects 10000] [--watchers 50] [--applies 2000] [--connections 16]

It measures a server of its own, or with --server and --token any other. Client and server share the
machine, so the processor time that the server takes for one operation tells more than the rate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.bench.cost import Cost
from tests.conformance.genuine import start_localcluster

_TOKEN = "bench"
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
Obj = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """The server under measurement; `pid` is 0 for one that is somebody else's."""

    session: aiohttp.ClientSession
    url: str
    pid: int

    def cost(self) -> Cost:
        return Cost.of(self.pid) if self.pid else Cost(0.0, 0.0, 0.0)

    async def apply(self, path: str, obj: Obj) -> None:
        query = "?fieldManager=bench&force=true"
        async with self.session.patch(
            self.url + path + query, data=orjson.dumps(obj), headers=_APPLY
        ) as answer:
            text = await answer.read()
            assert answer.status < 300, text

    async def get(self, path: str) -> Obj:
        async with self.session.get(self.url + path) as answer:
            found: Obj = orjson.loads(await answer.read())
            return found


@dataclass(frozen=True)
class Row:
    """One line of the table; times in milliseconds."""

    name: str
    count: int
    seconds: float
    processor: float
    memory: float
    latencies: list[float]

    def shown(self) -> list[str]:
        ordered = sorted(self.latencies) or [0.0]
        return [
            self.name,
            f"{self.count}",
            f"{self.count / self.seconds:.0f}",
            f"{ordered[len(ordered) // 2]:.1f}",
            f"{ordered[int(len(ordered) * 0.99)]:.1f}",
            f"{self.processor * 1000 / self.count:.2f}",
            f"{self.memory:.0f}",
        ]


HEAD = ["what", "count", "per second", "p50 ms", "p99 ms", "server CPU ms each", "RSS MiB"]


async def measure(
    server: Server, name: str, count: int, connections: int, act: Callable[[int], Awaitable[None]]
) -> Row:
    """Do something `count` times over so many connections."""
    numbers = iter(range(count))
    latencies: list[float] = []

    async def work() -> None:
        for number in numbers:
            began = time.perf_counter()
            await act(number)
            latencies.append((time.perf_counter() - began) * 1000)

    processor, began = server.cost().cpu, time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    seconds = time.perf_counter() - began
    spent = server.cost().cpu - processor
    return Row(name, count, seconds, spent, server.cost().rss, latencies)


def config_map(name: str, text: str) -> Obj:
    data = {"text": text, "more": "x" * 100}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str, replicas: int) -> Obj:
    container = {
        "name": "app",
        "image": "example.com/app:1",
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": [{"name": "A", "value": "1"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


async def applies(server: Server, count: int, connections: int) -> AsyncIterator[Row]:
    maps, apps = "/api/v1/namespaces/bench/configmaps", "/apis/apps/v1/namespaces/bench/deployments"

    async def apply_map(number: int, text: str) -> None:
        await server.apply(f"{maps}/m{number}", config_map(f"m{number}", text))

    async def apply_app(number: int) -> None:
        await server.apply(f"{apps}/d{number}", deployment(f"d{number}", 0))

    yield await measure(server, "apply new ConfigMaps", count, connections, lambda n: apply_map(n, "a"))
    yield await measure(server, "apply them changed", count, connections, lambda n: apply_map(n, "b"))
    yield await measure(server, "apply them unchanged", count, connections, lambda n: apply_map(n, "b"))
    yield await measure(server, "apply Deployments of 0 replicas", count // 2, connections, apply_app)
    yield await measure(server, "apply them unchanged", count // 2, connections, apply_app)


class Watchers:
    """Clients that read whatever comes."""

    def __init__(self, server: Server, path: str) -> None:
        self._server = server
        self._path = path
        self.lines = 0

    async def _watch(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._server.session.get(self._server.url + self._path, timeout=timeout) as answer:
            async for chunk in answer.content.iter_any():
                self.lines += chunk.count(b"\n")

    @asynccontextmanager
    async def running(self, count: int) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._watch()) for _ in range(count)]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, lines: int) -> None:
        async with asyncio.timeout(120):
            while self.lines < lines:
                await asyncio.sleep(0.01)


async def many_objects(server: Server, objects: int, watchers: int, connections: int) -> AsyncIterator[Row]:
    maps = "/api/v1/namespaces/many/configmaps"

    async def apply(number: int, text: str) -> None:
        await server.apply(f"{maps}/m{number}", config_map(f"m{number}", text))

    version = (await server.get(maps))["metadata"]["resourceVersion"]
    watching = Watchers(server, f"{maps}?watch=1&resourceVersion={version}")
    name = f"{objects} objects, {watchers} watchers"
    async with watching.running(watchers):
        await asyncio.sleep(1)
        yield await measure(server, name, objects, connections, lambda n: apply(n, "a"))
        await watching.until(objects * watchers)
        changes = min(objects, 1000)
        yield await measure(server, "changes with them", changes, connections, lambda n: apply(n, "b"))
        await watching.until((objects + changes) * watchers)
        began = time.perf_counter()
        await server.get(maps)
        seconds = time.perf_counter() - began
        yield Row("list all of them", 1, seconds, seconds, server.cost().rss, [seconds * 1000])
        idle = server.cost().cpu
        await asyncio.sleep(5)
        spent = server.cost().cpu - idle
        yield Row("idle for 5 s", 1, 5.0, spent, server.cost().rss, [])


async def workloads(server: Server, count: int, connections: int) -> AsyncIterator[Row]:
    apps = "/apis/apps/v1/namespaces/apps/deployments"
    processor, began = server.cost().cpu, time.perf_counter()
    await measure(
        server, "", count, connections, lambda n: server.apply(f"{apps}/d{n}", deployment(f"d{n}", 2))
    )
    async with asyncio.timeout(300):
        while not all(_is_ready(each) for each in (await server.get(apps))["items"]):
            await asyncio.sleep(0.5)
    spent = server.cost().cpu - processor
    seconds = time.perf_counter() - began
    yield Row("Deployments of 2 until ready", count, seconds, spent, server.cost().rss, [])


def _is_ready(found: Obj) -> bool:
    return bool(found.get("status", {}).get("availableReplicas") == 2)


async def run(options: argparse.Namespace, url: str, pid: int) -> list[Row]:
    connector = aiohttp.TCPConnector(ssl=False, limit=0)
    headers = {"Authorization": f"Bearer {options.token}"}
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        server = Server(session, url, pid)
        for name in ("bench", "many", "apps"):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await server.apply(f"/api/v1/namespaces/{name}", namespace)
        rows = [row async for row in applies(server, options.applies, options.connections)]
        many = many_objects(server, options.objects, options.watchers, options.connections)
        rows += [row async for row in many]
        rows += [row async for row in workloads(server, options.deployments, options.connections)]
    return rows


def show(rows: list[Row]) -> None:
    table = [HEAD, *(row.shown() for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    for name, *figures in table:
        padded = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *padded]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.localcluster_load", description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--watchers", type=int, default=50)
    parser.add_argument("--applies", type=int, default=2_000)
    parser.add_argument("--deployments", type=int, default=500)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--server", help="the URL of another server; --token is then needed")
    parser.add_argument("--token", default=_TOKEN)
    options = parser.parse_args()
    if options.server:
        show(asyncio.run(run(options, options.server, 0)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        process, kubeconfig = start_localcluster(Path(folder), "--token", options.token)
        try:
            url = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
            show(asyncio.run(run(options, url, process.pid)))
        finally:
            process.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
