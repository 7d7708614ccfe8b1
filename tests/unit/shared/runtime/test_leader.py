"""Candidates for one lease on a real API, with short times: never two leaders, and soon another one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.kube.access import connect
from shared.kube.client import KubeClient
from shared.kube.errors import ApiUnreachable, Forbidden
from shared.model.kinds import LEASE
from shared.runtime.leader import Leadership, LeadershipLost, LeaseTimes

DURATION, DEADLINE, PERIOD = 1.0, 0.6, 0.1
TIMES = LeaseTimes(*(timedelta(seconds=seconds) for seconds in (DURATION, DEADLINE, PERIOD)))
SOON = DURATION + 1.0


class Flaky(KubeClient):
    """Reaches the API server until it is cut off."""

    cut_off: Exception | None = None

    async def request(self, *arguments, **options):
        if self.cut_off is not None:
            raise self.cut_off
        return await super().request(*arguments, **options)


class Candidate:
    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.leadership = Leadership(client, namespace=namespace, name="lease", times=TIMES)
        self.leads = False
        self.task: asyncio.Task[None] | None = None

    def start(self) -> Candidate:
        self.task = asyncio.create_task(self._run())
        return self

    async def _run(self) -> None:
        await self.leadership.acquire()
        await self.leadership.hold(self._observe)

    def _observe(self, leads: bool) -> None:
        self.leads = leads

    async def stop(self, *, release: bool) -> None:
        assert self.task is not None
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        if release:
            await self.leadership.release()


@pytest.fixture
async def two(client, namespace):
    made = [Candidate(client, namespace), Candidate(client, namespace)]
    yield made
    for candidate in made:
        if candidate.task is not None and not candidate.task.done():
            await candidate.stop(release=False)


async def seconds_until(holds, limit=SOON) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(limit):
        while not holds():
            await asyncio.sleep(0.005)
    return loop.time() - began


async def lease(client, namespace):
    return (await client.get(LEASE, namespace, "lease"))["spec"]


async def test_one_leads_and_keeps_leading(two, client, namespace):
    first, second = (candidate.start() for candidate in two)
    await seconds_until(lambda: first.leads or second.leads)
    for _ in range(30):
        assert [first.leads, second.leads].count(True) == 1
        await asyncio.sleep(DURATION / 20)
    spec = await lease(client, namespace)
    assert spec["leaseTransitions"] == 0
    assert spec["holderIdentity"] == (first if first.leads else second).leadership._identity
    assert spec["renewTime"] > spec["acquireTime"]


async def test_after_a_release_the_other_leads_at_once(two, client, namespace):
    first, second = two
    first.start()
    await seconds_until(lambda: first.leads)
    second.start()
    await asyncio.sleep(PERIOD)
    await first.stop(release=True)
    assert await seconds_until(lambda: second.leads) < DURATION / 2
    assert (await lease(client, namespace))["leaseTransitions"] == 1


async def test_after_a_death_the_other_leads_when_the_lease_has_run_out(two):
    first, second = two
    first.start()
    await seconds_until(lambda: first.leads)
    second.start()
    await asyncio.sleep(2 * PERIOD)
    await first.stop(release=False)
    took = await seconds_until(lambda: second.leads)
    assert DURATION - 2 * PERIOD < took < SOON


async def test_who_comes_new_waits_though_the_lease_looks_old(client, namespace):
    """Clocks of nodes differ: a renewal an hour ago by its own words may be of this moment."""
    leadership = Leadership(client, namespace=namespace, name="lease", times=TIMES)
    stale = leadership._fresh()
    stale["spec"] |= {
        "holderIdentity": "somebody",
        "leaseDurationSeconds": 1,
        "renewTime": "2001-01-01T00:00:00.000000Z",
    }
    await client.create(LEASE, stale)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(SOON):
        await leadership.acquire()
    assert loop.time() - began >= DURATION


async def test_a_lease_from_the_future_runs_out_all_the_same(client, namespace):
    leadership = Leadership(client, namespace=namespace, name="lease", times=TIMES)
    ahead = leadership._fresh()
    ahead["spec"] |= {
        "holderIdentity": "somebody",
        "leaseDurationSeconds": 1,
        "renewTime": "2999-01-01T00:00:00.000000Z",
    }
    await client.create(LEASE, ahead)
    async with asyncio.timeout(SOON):
        await leadership.acquire()


@pytest.mark.parametrize(
    "trouble",
    [ApiUnreachable("nobody there"), Forbidden(403, "Forbidden", "not you any more")],
    ids=["cut off", "forbidden"],
)
async def test_who_cannot_renew_stops_before_another_may_start(kubeconfig, client, namespace, trouble):
    flaky = Flaky(await connect(kubeconfig))
    first, second = Candidate(flaky, namespace).start(), Candidate(client, namespace)
    await seconds_until(lambda: first.leads)
    second.start()
    await asyncio.sleep(2 * PERIOD)
    flaky.cut_off = trouble
    took = await seconds_until(lambda: not first.leads)
    assert took < DURATION
    assert not second.leads
    with pytest.raises(LeadershipLost):
        await first.task
    await seconds_until(lambda: second.leads)
    await second.stop(release=True)
    await flaky.close()


async def test_a_server_that_does_not_answer_does_not_prolong_the_leadership(kubeconfig, namespace):
    """A renewal that hangs ends with the deadline, not with its own timeout."""

    class Hanging(Flaky):
        async def request(self, *arguments, **options):
            if self.cut_off is not None:
                await asyncio.sleep(3_600)
            return await super().request(*arguments, **options)

    hanging = Hanging(await connect(kubeconfig))
    first = Candidate(hanging, namespace)
    times = LeaseTimes(timedelta(seconds=4), timedelta(seconds=2), timedelta(seconds=0.2))
    first.leadership = Leadership(hanging, namespace=namespace, name="lease", times=times)
    first.start()
    await seconds_until(lambda: first.leads)
    hanging.cut_off = TimeoutError()
    took = await seconds_until(lambda: not first.leads, limit=4)
    assert took < 2.2
    with pytest.raises(LeadershipLost):
        await first.task
    loop = asyncio.get_running_loop()
    began = loop.time()
    await first.leadership.release(within=0.1)
    assert loop.time() - began < 0.5
    await hanging.close()


async def test_who_was_robbed_of_the_lease_stops_at_once(two, client, namespace):
    first = two[0].start()
    await seconds_until(lambda: first.leads)
    await client.patch(LEASE, namespace, "lease", {"spec": {"holderIdentity": "a thief"}})
    assert await seconds_until(lambda: not first.leads) < DEADLINE
    with pytest.raises(LeadershipLost):
        await first.task
    await first.leadership.release()
    assert (await lease(client, namespace))["holderIdentity"] == "a thief"


async def test_a_renewal_that_was_cut_short_does_not_hinder_the_release(client, namespace):
    """The server has renewed, but we have not heard of it: our copy of the lease is old."""
    leadership = Leadership(client, namespace=namespace, name="lease", times=TIMES)
    await leadership.acquire()
    await client.patch(LEASE, namespace, "lease", {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}})
    await leadership.release()
    assert (await lease(client, namespace)).get("holderIdentity", "") == ""
