"""Scenarios of much and of nothing: thousands of objects in one Kustomization, and an idle fleet."""

from __future__ import annotations

import asyncio

from shared.model.kinds import GIT_REPOSITORY, KUSTOMIZATION
from tests.bench.rig import Rig, Stopwatch
from tests.bench.scenarios import Figures, Sizes, spent
from tests.e2e.repository import config_map

_SETTLING, _IDLE = 10, 30


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
    first, cost = watch.seconds, spent(before, rig)
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
    """P15: half a minute in which nothing happens, after all that came before."""
    await asyncio.sleep(_SETTLING)
    # Reading the metrics costs the controllers CPU, so that comes before and after what is measured.
    requests = rig.requests()
    await asyncio.sleep(_SETTLING)
    before = rig.cost()
    await asyncio.sleep(_IDLE)
    costs, after = rig.cost(), rig.requests()
    figures: dict[str, float] = {"API requests": sum(after.values()) - sum(requests.values())}
    ours = [name for name in costs if name != "localcluster"]
    figures["all controllers: CPU %"] = sum(costs[name].cpu - before[name].cpu for name in ours) / _IDLE * 100
    figures["all controllers: RSS MiB"] = sum(costs[name].rss for name in ours)
    for name, cost in costs.items():
        figures[f"{name} CPU %"] = (cost.cpu - before[name].cpu) / _IDLE * 100
        figures[f"{name} RSS MiB"] = cost.rss
        figures[f"{name} peak RSS MiB"] = cost.peak
    return figures
