"""What it took: times, memory, calls; and what the reader may do next."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from cli.demo.processes import Weight
from cli.demo.waiting import Target
from cli.demo.world import HOME, KUSTOMIZE, World
from shared.model.kinds import KUSTOMIZATION
from shared.model.meta import REQUESTED_AT, Object

_SHOP = Target(KUSTOMIZATION, HOME, "shop")
_REQUESTS = "rest_client_requests_total"


async def cost_of_nothing(world: World) -> Counter[str]:
    """API requests by method of one reconcile of the Kustomization in which nothing has changed."""
    before = await _requests(world)
    token = str(time.time_ns())
    patch = {"metadata": {"annotations": {REQUESTED_AT: token}}}
    await world.client.patch(_SHOP.resource, _SHOP.namespace, _SHOP.name, patch)

    def handled(obj: Object | None) -> bool:
        return obj is not None and obj["status"].get("lastHandledReconcileAt") == token

    await world.watcher.until(_SHOP, handled, "a reconcile in which nothing changed")
    return await _requests(world) - before


async def _requests(world: World) -> Counter[str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(world.metrics[KUSTOMIZE], raise_for_status=True) as response,
    ):
        text = await response.text()
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _REQUESTS:
                found[sample.labels["method"]] += int(sample.value)
    return found


def summarise(
    world: World, timings: Iterable[tuple[str, float]], nothing: Counter[str], seconds: float
) -> None:
    terminal = world.terminal
    terminal.gap()
    terminal.title("What it took")
    terminal.table(["seen", "after"], [(step, f"{took:.2f} s") for step, took in timings])
    terminal.gap()
    weights = [one.weight() for one in world.processes.running]
    terminal.table(["memory (resident)", "now", "peak"], list(_weighed(weights)))
    terminal.gap()
    calls = ", ".join(f"{count} {method}" for method, count in sorted(nothing.items())) or "none"
    terminal.say(f"API requests of a reconcile in which nothing changed: {calls}.")
    terminal.say(f"Everything, from an empty folder to here: {seconds:.1f} s.")


def _weighed(weights: Iterable[Weight]) -> Iterable[tuple[str, str, str]]:
    for weight in weights:
        peak = "" if weight.peak is None else f"{weight.peak:.0f} MiB"
        yield weight.name, f"{weight.now:.0f} MiB", peak
        if weight.workers:
            yield "  its workers, for a minute", f"{weight.workers:.0f} MiB", ""


def how_to_go_on(world: World, *, keep: bool) -> None:
    terminal = world.terminal
    terminal.gap()
    terminal.title("How to go on")
    if keep:
        terminal.say("Everything keeps running until Ctrl-C. In another terminal:")
        terminal.gap()
        terminal.plain(f"export KUBECONFIG={world.kubeconfig}")
        terminal.plain("kubectl get gitrepositories,kustomizations -A")
        terminal.plain(f"cd {world.repository.work}    # change deploy/, commit, push")
    else:
        terminal.say('Play with it: make demo DEMO_FLAGS="--keep" leaves it all running for kubectl and git.')
        terminal.say("Read on: docs/get-started.md, and README.md for the map of the code.")
    terminal.gap()
