"""What is measured, one coroutine a scenario; the numbers are those of the demand list (P1, P2, ...)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from shared.kube.errors import NotFound
from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION
from tests.bench.rig import Rig, Stopwatch, percentile
from tests.e2e.repository import config_map, manifest
from tests.e2e.world import condition, eventually

Figures = Mapping[str, float]
_SOURCE = {"ref": {"branch": "main"}}


@dataclass(frozen=True)
class Sizes:
    kustomizations: int
    samples: int
    objects: int


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
    world, before = rig.world, rig.cost()
    watch = Stopwatch()
    await world.git_repository(url=rig.repository.url, **_SOURCE)
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
    return {"seconds to all ready": watch.seconds} | _cpu(before, rig)


async def no_op(rig: Rig, sizes: Sizes) -> Figures:
    """P2: every Kustomization reconciles every three seconds and nothing has changed."""
    world, program = rig.world, rig.controllers.kustomize
    labels = {"namespace": world.namespace, "kind": "Kustomization"}

    def passes() -> float:
        return program.metric("gotk_reconcile_duration_seconds_count", **labels)

    for number in range(sizes.kustomizations):
        await world.change(KUSTOMIZATION, f"app-{number}", interval="3s")
    await _quiet(rig)
    # Reading the metrics costs the controller CPU, so they are read twice and not polled.
    reconciled, requests, before = passes(), rig.requests(), rig.cost()
    await asyncio.sleep(12)
    costs, count, after = rig.cost(), passes() - reconciled, rig.requests()
    writes = _writes(after) - _writes(requests)
    name = "kustomize-controller"
    for number in range(sizes.kustomizations):
        await world.change(KUSTOMIZATION, f"app-{number}", interval="1h")
    await asyncio.sleep(3)
    return {
        "reconciles": count,
        "writes": writes,
        "reads per reconcile": (after["GET"] - requests["GET"]) / count,
        "CPU ms per reconcile": (costs[name].cpu - before[name].cpu) / count * 1000,
    }


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
    for sample in range(sizes.samples):
        value = f"sample {sample}"
        rig.repository.commit({"apps/0/config.yaml": config_map("app-0", greeting=value)})
        watch = Stopwatch()
        await world.request(GIT_REPOSITORY, "repo")

        async def applied(value: str = value) -> bool:
            return bool((await world.get(CONFIG_MAP, "app-0"))["data"]["greeting"] == value)

        await eventually(applied, seconds=30)
        samples.append(watch.seconds)
        await world.ready(KUSTOMIZATION, "app-0")
        await asyncio.sleep(0.3)
    return {"p50 s": percentile(samples, 0.5), "p95 s": percentile(samples, 0.95), "max s": max(samples)}


async def drift(rig: Rig, sizes: Sizes) -> Figures:
    """P7: many objects edited and deleted by hand at once, until all are as in git again."""
    world = rig.world
    names = [f"app-{number}" for number in range(sizes.kustomizations)]

    async def meddle(number: int, name: str) -> None:
        if number % 2:
            await world.client.delete(CONFIG_MAP, world.namespace, name)
        else:
            await world.client.patch(CONFIG_MAP, world.namespace, name, {"data": {"greeting": "edited"}})

    watch = Stopwatch()
    await asyncio.gather(*(meddle(number, name) for number, name in enumerate(names)))

    async def as_in_git() -> bool:
        try:
            found = [await world.get(CONFIG_MAP, name) for name in names]
        except NotFound:
            return False
        return all(item["data"]["greeting"] != "edited" for item in found)

    await eventually(as_in_git, seconds=60)
    return {"objects": len(names), "seconds to all repaired": watch.seconds}


async def many_objects(rig: Rig, sizes: Sizes) -> Figures:
    """P14: one Kustomization of many objects: first apply, then a request in which nothing changed."""
    world = rig.world
    rig.repository.commit({f"many/{n // 100}.yaml": "" for n in range(0, sizes.objects, 100)})
    files = {
        f"many/{start // 100}.yaml": "---\n".join(
            config_map(f"many-{number}", value=str(number))
            for number in range(start, min(start + 100, sizes.objects))
        )
        for start in range(0, sizes.objects, 100)
    }
    revision = rig.repository.commit(files)
    await world.request(GIT_REPOSITORY, "repo")
    await world.until(GIT_REPOSITORY, "repo", lambda obj: obj["status"]["artifact"]["revision"] == revision)
    before, watch = rig.cost(), Stopwatch()
    await world.kustomization("many", path="./many", targetNamespace=world.namespace, timeout="5m")
    await world.ready(KUSTOMIZATION, "many", seconds=600)
    first, cost = watch.seconds, _cpu(before, rig)
    again = Stopwatch()
    token = await world.request(KUSTOMIZATION, "many")
    await world.until(
        KUSTOMIZATION, "many", lambda obj: obj["status"].get("lastHandledReconcileAt") == token, seconds=300
    )
    return {
        "objects": sizes.objects,
        "seconds to ready": first,
        "seconds for a requested full check": again.seconds,
    } | cost


async def idle(rig: Rig, _sizes: Sizes) -> Figures:
    """P15: half a minute in which nothing happens."""
    await asyncio.sleep(5)
    before, requests = rig.cost(), rig.requests()
    await asyncio.sleep(30)
    costs, after = rig.cost(), rig.requests()
    figures: dict[str, float] = {"API requests": sum(after.values()) - sum(requests.values())}
    for name, cost in costs.items():
        figures[f"{name} CPU %"] = (cost.cpu - before[name].cpu) / 30 * 100
        figures[f"{name} RSS MiB"] = cost.rss
        figures[f"{name} peak RSS MiB"] = cost.peak
    return figures


def _cpu(before: Mapping[str, object], rig: Rig) -> dict[str, float]:
    spent = {}
    for name, cost in rig.cost().items():
        earlier = before[name]
        spent[f"{name} CPU s"] = cost.cpu - earlier.cpu  # type: ignore[attr-defined]
        spent[f"{name} peak RSS MiB"] = cost.peak
    return spent


SCENARIOS: Mapping[str, Callable[[Rig, Sizes], Awaitable[Figures]]] = {
    "P1 cold install": cold_install,
    "P2 no-op reconcile": no_op,
    "P3 commit to applied": commit_to_applied,
    "P7 drift repair": drift,
    "P14 many objects": many_objects,
    "P15 idle": idle,
}
