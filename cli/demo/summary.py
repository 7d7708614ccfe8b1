"""What it took: times, memory, calls; and what the reader may do next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from cli.demo.objects import HOME
from cli.demo.processes import Weight
from cli.demo.waiting import NotSeen
from cli.demo.world import KUSTOMIZE, World
from shared.model.kinds import KUSTOMIZATION

_PASSES = 3
_PATIENCE_SECONDS = 20.0
_LOOK_SECONDS = 0.1
_READS = {"GET", "WATCH"}


@dataclass(frozen=True, slots=True)
class Count:
    """What kustomize-controller has done until now: reconciles, and requests to the API server."""

    passes: int = 0
    reads: int = 0
    writes: int = 0

    def since(self, before: Count) -> Count:
        return Count(self.passes - before.passes, self.reads - before.reads, self.writes - before.writes)


async def cost_of_nothing(world: World) -> Count:
    """A few reconciles of the Kustomization, on a short interval, in which nothing has changed.

    Raises NotSeen.
    """
    begun = await _count(world)
    await _set_interval(world, "1s")
    # The first is that of the new spec.
    before = await _after(world, begun.passes + 2)
    after = await _after(world, before.passes + _PASSES)
    await _set_interval(world, "10m")
    return after.since(before)


async def _set_interval(world: World, interval: str) -> None:
    await world.client.patch(KUSTOMIZATION, HOME, "shop", {"spec": {"interval": interval}})


async def _after(world: World, passes: int) -> Count:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (now := await _count(world)).passes < passes:
                world.terminal.waiting("reconciles in which nothing changes: what do they cost?")
                await asyncio.sleep(_LOOK_SECONDS)
            return now
    except TimeoutError:
        raise NotSeen("reconciles on a short interval: not seen in the metrics") from None


async def _count(world: World) -> Count:
    async with (
        aiohttp.ClientSession() as session,
        session.get(world.metrics[KUSTOMIZE], raise_for_status=True) as response,
    ):
        text = await response.text()
    passes = reads = writes = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "gotk_reconcile_duration_seconds_count":
                passes += int(sample.value)
            elif sample.name == "rest_client_requests_total":
                reads += int(sample.value) * (sample.labels["method"] in _READS)
                writes += int(sample.value) * (sample.labels["method"] not in _READS)
    return Count(passes, reads, writes)


def summarise(world: World, timings: Iterable[tuple[str, float]], nothing: Count, seconds: float) -> None:
    terminal = world.terminal
    terminal.gap()
    terminal.title("What it took")
    terminal.table(["seen", "after"], [(step, f"{took:.2f} s") for step, took in timings])
    terminal.gap()
    weights = [one.weight() for one in world.processes.running]
    terminal.table(["memory (resident)", "now", "peak"], list(_weighed(weights)))
    terminal.gap()
    terminal.say(
        f"{nothing.passes} reconciles in which nothing had changed: {_counted(nothing.reads, 'read')} and "
        f"{_counted(nothing.writes, 'write')} at the API server."
    )
    terminal.say(f"Everything, from an empty folder to here: {seconds:.1f} s.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


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
