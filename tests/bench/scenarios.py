"""Scenarios of many Kustomizations; the numbers are those of the demand list (P1, P2, ...)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import orjson

from shared.kube.errors import NotFound
from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION, RECEIVER, SECRET
from tests.bench.cost import Cost
from tests.bench.rig import Rig, Stopwatch, percentile
from tests.e2e.processes import ControllerProgram
from tests.e2e.repository import config_map, manifest
from tests.e2e.world import RUN_LABEL, condition, eventually

Figures = Mapping[str, float]
_TOKEN = "a token that only two know"
_INTERVAL, _WATCHED = 3, 12


@dataclass(frozen=True)
class Sizes:
    kustomizations: int
    samples: int
    objects: int
    drifts: int
    kills: int


def _application(number: int) -> dict[str, str]:
    """Four objects: a Deployment, its Service, its ServiceAccount and its configuration."""
    name, labels = f"app-{number}", {"app": f"app-{number}"}
    container = {"name": "web", "image": "example/web:1", "ports": [{"containerPort": 8080}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    folder = f"apps/{number}"
    return {
        f"{folder}/deployment.yaml": manifest("apps/v1", "Deployment", name, spec=deployment),
        f"{folder}/service.yaml": manifest("v1", "Service", name, spec=service),
        f"{folder}/account.yaml": manifest("v1", "ServiceAccount", name),
        f"{folder}/config.yaml": config_map(name, greeting=f"hello {number}"),
    }


async def cold_install(rig: Rig, sizes: Sizes) -> Figures:
    """P1: many Kustomizations of four objects, `wait: true`, from nothing to all ready."""
    files: dict[str, str] = {}
    for number in range(sizes.kustomizations):
        files |= _application(number)
    revision = rig.repository.commit(files)
    world, before, requests = rig.world, rig.cost(), rig.requests()
    watch = Stopwatch()
    await world.git_repository(url=rig.repository.url, ref={"branch": "main"})
    await asyncio.gather(
        *(
            world.kustomization(
                f"app-{number}",
                path=f"./apps/{number}",
                targetNamespace=world.namespace,
                wait=True,
                timeout="5m",
            )
            for number in range(sizes.kustomizations)
        )
    )

    async def all_ready() -> bool:
        found = await world.client.list(KUSTOMIZATION, world.namespace)
        return all(
            condition(item, "Ready").get("status") == "True"
            and item["status"].get("lastAppliedRevision") == revision
            for item in found.items
        )

    await eventually(all_ready, seconds=600)
    seconds, after = watch.seconds, rig.requests()
    counted = {f"requests: {verb}": after[verb] - requests[verb] for verb in after}
    return (
        {"Kustomizations": sizes.kustomizations, "seconds to all ready": seconds}
        | spent(before, rig)
        | counted
    )


async def no_op(rig: Rig, sizes: Sizes) -> Figures:
    """P2: every Kustomization reconciles every few seconds and nothing has changed."""
    world = rig.world
    # A thousand in three seconds is more than a core does, and a queue is not what is measured.
    interval = max(_INTERVAL, sizes.kustomizations // 50)
    await _intervals(rig, sizes, f"{interval}s")
    await _quiet(rig)
    # Reading the metrics costs the controller CPU, so they are read twice and not polled.
    reconciled, requests, before = _passes(rig), rig.requests(), rig.cost()
    await asyncio.sleep(_WATCHED)
    costs, after = rig.cost(), rig.requests()
    count = _passes(rig) - reconciled or sizes.kustomizations * _WATCHED / interval
    cpu = sum(cost.cpu - before[name].cpu for name, cost in costs.items() if name != "localcluster")
    await _intervals(rig, sizes, "1h")
    await world.ready(KUSTOMIZATION, "app-0")
    await asyncio.sleep(3)
    return {
        "reconciles": count,
        "writes": _writes(after) - _writes(requests),
        "reads per reconcile": (after["GET"] - requests["GET"]) / count,
        "CPU ms per reconcile": cpu / count * 1000,
    }


async def _intervals(rig: Rig, sizes: Sizes, interval: str) -> None:
    for number in range(sizes.kustomizations):
        await rig.world.change(KUSTOMIZATION, f"app-{number}", interval=interval)


def _passes(rig: Rig) -> float:
    """Reconciles as our controller counts them; 0 for a command, whose intervals are counted instead."""
    program = rig.fleet.programs.get("kustomize-controller")
    if not isinstance(program, ControllerProgram):
        return 0.0
    labels = {"namespace": rig.world.namespace, "kind": "Kustomization"}
    return program.metric("gotk_reconcile_duration_seconds_count", **labels)


def _writes(requests: Mapping[str, float]) -> float:
    return sum(requests[verb] for verb in ("PATCH", "POST", "PUT", "DELETE"))


async def _quiet(rig: Rig) -> None:
    """Until nothing has been written for six seconds: status and events of what came before are out."""
    before = -1.0
    while (now := _writes(rig.requests())) != before:
        before = now
        await asyncio.sleep(6)


async def commit_to_applied(rig: Rig, sizes: Sizes) -> Figures:
    """P3: from a push (and the webhook that tells of it) to the object in the cluster."""
    world, samples = rig.world, []
    hook = await _receiver(rig) if rig.fleet.hooks_url else ""
    for sample in range(sizes.samples):
        value = f"sample {sample}"
        rig.repository.commit({"apps/0/config.yaml": config_map("app-0", greeting=value)})
        watch = Stopwatch()
        if hook:
            await _call(hook)
        else:
            await world.request(GIT_REPOSITORY, "repo")

        async def applied(value: str = value) -> bool:
            return bool((await world.get(CONFIG_MAP, "app-0"))["data"]["greeting"] == value)

        await eventually(applied, seconds=30)
        samples.append(watch.seconds)
        await world.ready(KUSTOMIZATION, "app-0")
        await asyncio.sleep(0.3)
    return {
        "samples": sizes.samples,
        "p50 s": percentile(samples, 0.5),
        "p95 s": percentile(samples, 0.95),
        "p99 s": percentile(samples, 0.99),
    }


async def _receiver(rig: Rig) -> str:
    """The address that a git platform would call."""
    world = rig.world
    metadata = {"name": "hook", "namespace": world.namespace, "labels": {RUN_LABEL: world.run_id}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": _TOKEN}}
    await world.client.create(SECRET, secret)
    spec = {
        "type": "generic-hmac",
        "secretRef": {"name": "hook"},
        "resources": [{"kind": "GitRepository", "name": "repo"}],
    }
    kind = {"apiVersion": RECEIVER.api_version, "kind": RECEIVER.kind}
    await world.client.create(RECEIVER, kind | {"metadata": metadata, "spec": spec})
    ready = await world.ready(RECEIVER, "hook")
    return rig.fleet.hooks_url + str(ready["status"]["webhookPath"])


async def _call(url: str) -> None:
    body = orjson.dumps({"ref": "refs/heads/main"})
    signed = f"sha256={hmac.new(_TOKEN.encode(), body, hashlib.sha256).hexdigest()}"
    headers = {"X-Signature": signed}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def drift(rig: Rig, sizes: Sizes) -> Figures:
    """P7: many objects edited and deleted by hand at once, until all are as in git again."""
    world = rig.world
    names = [f"app-{number}" for number in range(min(sizes.kustomizations, sizes.drifts))]

    async def meddle(number: int, name: str) -> None:
        if number % 2:
            await world.client.delete(CONFIG_MAP, world.namespace, name)
        else:
            await world.client.patch(CONFIG_MAP, world.namespace, name, {"data": {"greeting": "edited"}})

    requests, watch = rig.requests(), Stopwatch()
    await asyncio.gather(*(meddle(number, name) for number, name in enumerate(names)))
    if not rig.fleet.hooks_url:
        await asyncio.gather(*(world.request(KUSTOMIZATION, name) for name in names))

    async def as_in_git() -> bool:
        try:
            found = [await world.get(CONFIG_MAP, name) for name in names]
        except NotFound:
            return False
        return all(item["data"]["greeting"] != "edited" for item in found)

    await eventually(as_in_git, seconds=60)
    seconds, after = watch.seconds, rig.requests()
    return {
        "objects": len(names),
        "seconds to all repaired": seconds,
        "API requests": sum(after.values()) - sum(requests.values()),
    }


def spent(before: Mapping[str, Cost], rig: Rig) -> dict[str, float]:
    """What each process cost since then, and its peak since its start."""
    figures = {}
    for name, cost in rig.cost().items():
        figures[f"{name} CPU s"] = cost.cpu - before[name].cpu
        figures[f"{name} peak RSS MiB"] = cost.peak
    return figures
