"""Scenarios in which something is wrong: what never becomes ready, a bad commit, and kill -9."""

from __future__ import annotations

import asyncio
import random
import statistics

from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, KUSTOMIZATION
from tests.bench.rig import Rig, Stopwatch
from tests.bench.scenarios import Figures, Sizes
from tests.e2e.repository import config_map, manifest
from tests.e2e.world import condition, eventually

STUCK = 30
_ROUNDS = 5


def never_ready(name: str) -> str:
    """A Deployment that stays unavailable on any cluster: no scheduler of that name exists."""
    pod = {"schedulerName": "nobody", "containers": [{"name": "c", "image": "example/web:1"}]}
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return manifest("apps/v1", "Deployment", name, spec=spec)


async def starvation(rig: Rig, _sizes: Sizes) -> Figures:
    """P5: how long a healthy Kustomization takes for a commit, alone and beside many that only wait."""
    world = rig.world
    files = {f"stuck/{number}/d.yaml": never_ready(f"stuck-{number}") for number in range(STUCK)}
    rig.repository.commit(files | {"healthy/c.yaml": config_map("healthy", value="0")})
    await _fetched(rig)
    spec = {"targetNamespace": world.namespace, "wait": True, "timeout": "5m"}
    await world.kustomization("healthy", path="./healthy", **spec)
    await world.ready(KUSTOMIZATION, "healthy")
    alone = [await _healthy_takes(rig, f"alone {turn}") for turn in range(_ROUNDS)]
    for number in range(STUCK):
        await world.kustomization(f"stuck-{number}", path=f"./stuck/{number}", **spec)
    await eventually(lambda: _all_wait(rig), seconds=60)
    beside = [await _healthy_takes(rig, f"beside {turn}") for turn in range(_ROUNDS)]
    for number in range(STUCK):
        await world.change(KUSTOMIZATION, f"stuck-{number}", suspend=True)
    return {
        "alone s": statistics.median(alone),
        "beside 30 that never become ready s": statistics.median(beside),
        "times as slow": statistics.median(beside) / statistics.median(alone),
    }


async def _healthy_takes(rig: Rig, value: str) -> float:
    """From the request for a commit to ready with it. All the others get that revision, too."""
    revision = rig.repository.commit({"healthy/c.yaml": config_map("healthy", value=value)})
    watch = Stopwatch()
    await rig.world.request(GIT_REPOSITORY, "repo")
    await rig.world.ready(KUSTOMIZATION, "healthy", revision=revision, seconds=120)
    seconds = watch.seconds
    await asyncio.sleep(1)
    return seconds


async def _all_wait(rig: Rig) -> bool:
    found = await rig.world.client.list(KUSTOMIZATION, rig.world.namespace)
    waiting = [
        item
        for item in found.items
        if item["metadata"]["name"].startswith("stuck-")
        and condition(item, "Reconciling").get("status") == "True"
        and (item["status"].get("inventory") or {}).get("entries")
    ]
    return len(waiting) == STUCK


async def preempt(rig: Rig, _sizes: Sizes) -> Figures:
    """P6: a commit that never becomes ready, and five seconds later one that mends it."""
    world, samples = rig.world, []
    rig.repository.commit({"fix/c.yaml": config_map("fix", value="0")})
    await _fetched(rig)
    spec = {"targetNamespace": world.namespace, "wait": True, "timeout": "5m"}
    await world.kustomization("fix", path="./fix", **spec)
    await world.ready(KUSTOMIZATION, "fix")
    for turn in range(_ROUNDS):
        rig.repository.commit({"fix/d.yaml": never_ready("fix")})
        await world.request(GIT_REPOSITORY, "repo")
        await asyncio.sleep(5)
        revision = rig.repository.commit(
            {"fix/c.yaml": config_map("fix", value=str(turn))}, remove=("fix/d.yaml",)
        )
        watch = Stopwatch()
        await world.request(GIT_REPOSITORY, "repo")
        await world.ready(KUSTOMIZATION, "fix", revision=revision, seconds=120)
        samples.append(watch.seconds)
    return {"median s": statistics.median(samples), "max s": max(samples)}


async def kills(rig: Rig, sizes: Sizes) -> Figures:
    """P16: a commit, a kill -9 of a controller within 0.6 s, and so on: afterwards nothing is stuck."""
    world, dice, names = rig.world, random.Random(16), [f"k-{number}" for number in range(8)]
    rig.repository.commit({f"{name}/c.yaml": config_map(name, value="0") for name in names})
    await _fetched(rig)
    for name in names:
        await world.kustomization(name, path=f"./{name}", targetNamespace=world.namespace, wait=True)
    victims = [rig.fleet.programs[key] for key in sorted(rig.fleet.programs)]
    preferred = [item for item in victims if item.name in {"source", "kustomize"}] or victims
    revision = ""
    for kill in range(sizes.kills):
        name = dice.choice(names)
        revision = rig.repository.commit({f"{name}/c.yaml": config_map(name, value=str(kill))})
        await world.request(GIT_REPOSITORY, "repo")
        await asyncio.sleep(dice.uniform(0, 0.6))
        victim = dice.choice(preferred)
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
    watch = Stopwatch()
    await world.request(GIT_REPOSITORY, "repo")
    stuck = set(names)

    async def recovered() -> bool:
        for name in sorted(stuck):
            ks = await world.get(KUSTOMIZATION, name)
            if ks["status"].get("lastAppliedRevision") != revision:
                return False
            if condition(ks, "Ready").get("status") != "True":
                return False
            text = (rig.repository.folder / name / "c.yaml").read_text()
            live = await world.get(CONFIG_MAP, name)
            if f"value: '{live['data']['value']}'" not in text:
                return False
            stuck.discard(name)
        return True

    try:
        await eventually(recovered, seconds=90)
    except TimeoutError:
        return {"kills": sizes.kills, "stuck objects": len(stuck), "seconds to recovered": watch.seconds}
    return {"kills": sizes.kills, "stuck objects": 0, "seconds to recovered": watch.seconds}


async def _fetched(rig: Rig) -> None:
    """Until the source has the last commit."""
    head = f"main@sha1:{rig.repository.head()}"
    await rig.world.request(GIT_REPOSITORY, "repo")
    await rig.world.until(GIT_REPOSITORY, "repo", lambda obj: obj["status"]["artifact"]["revision"] == head)
