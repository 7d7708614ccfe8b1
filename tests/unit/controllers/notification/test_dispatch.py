from __future__ import annotations

import asyncio

import pytest

from controllers.notification.dispatch import Dispatcher, Job, Limits
from controllers.notification.outgoing import DeliveryFailed, Refused, Unavailable
from shared.model.meta import ObjectKey
from tests.unit.controllers.notification.words import event

QUICK = Limits(queue=5, first_pause=0.01, longest_pause=0.02, patience=0.5, drain=0.2)
SLOW, FAST = ObjectKey("apps", "slow"), ObjectKey("apps", "fast")


class Platform:
    """What a test says happens to the next attempts; then everything works."""

    def __init__(self, *outcomes: Exception, limits: Limits = QUICK) -> None:
        self.outcomes = list(outcomes)
        self.attempts: list[str] = []
        self.done: list[str] = []
        self.failures: list[tuple[str, bool]] = []
        self.blocked = asyncio.Event()
        self.dispatcher = Dispatcher(self.deliver, self.failed, self.delivered, limits)

    async def deliver(self, job: Job) -> None:
        if job.provider == SLOW:
            await self.blocked.wait()
        self.attempts.append(job.event.message)
        if self.outcomes:
            raise self.outcomes.pop(0)

    def failed(self, job: Job, error: DeliveryFailed, *, final: bool) -> None:
        assert job.alert == {}
        self.failures.append((str(error), final))

    def delivered(self, job: Job) -> None:
        self.done.append(job.event.message)

    def submit(self, message: str, provider: ObjectKey = FAST) -> None:
        self.dispatcher.submit(Job(provider, {}, event(message)))

    async def settled(self) -> None:
        async with asyncio.timeout(5):
            while len(self.dispatcher):
                await asyncio.sleep(0.005)


async def test_what_fails_comes_again_before_all_others() -> None:
    platform = Platform(Unavailable("down"), Unavailable("down"))
    for message in "abc":
        platform.submit(message)
    await platform.settled()
    assert platform.attempts == ["a", "a", "a", "b", "c"]
    assert platform.done == ["a", "b", "c"]
    assert platform.failures == [("down", False)]


async def test_what_is_refused_is_not_tried_again() -> None:
    platform = Platform(Refused("no"))
    platform.submit("a")
    platform.submit("b")
    await platform.settled()
    assert (platform.attempts, platform.done, platform.failures) == (["a", "b"], ["b"], [("no", True)])


async def test_it_waits_as_long_as_it_is_told() -> None:
    platform = Platform(Unavailable("busy", retry_after=0.2))
    platform.submit("a")
    await asyncio.sleep(0.1)
    assert platform.attempts == ["a"]
    await platform.settled()
    assert platform.done == ["a"]


async def test_patience_ends() -> None:
    platform = Platform(*[Unavailable("down")] * 500)
    platform.submit("a")
    await platform.settled()
    assert platform.failures == [("down", False), ("down", True)]
    platform.outcomes.clear()
    platform.submit("b")
    await platform.settled()
    assert platform.done == ["b"]


async def test_a_slow_provider_delays_no_other() -> None:
    platform = Platform()
    platform.submit("slow", SLOW)
    platform.submit("fast")
    while not platform.done:
        await asyncio.sleep(0.005)
    assert (platform.done, len(platform.dispatcher)) == (["fast"], 1)
    platform.blocked.set()
    await platform.settled()


@pytest.mark.parametrize("limits", [QUICK, Limits(queue=100, size=5 * event("00").size)])
async def test_a_full_queue_says_so(limits: Limits) -> None:
    platform = Platform(limits=limits)
    for number in range(8):
        platform.submit(f"{number:02}", SLOW)
    assert len(platform.dispatcher) == 5
    assert [final for _, final in platform.failures] == [True] * 3
    platform.blocked.set()
    await platform.settled()
    assert platform.done == ["00", "01", "02", "03", "04"]


async def test_a_bug_loses_one_notification_and_no_more() -> None:
    platform = Platform(ZeroDivisionError())
    platform.submit("a")
    platform.submit("b")
    await platform.settled()
    assert platform.done == ["b"]
    assert platform.failures[0][1]


async def test_the_end_gives_a_last_chance() -> None:
    platform = Platform()
    async with platform.dispatcher.running():
        platform.submit("a")
    assert platform.done == ["a"]
    async with asyncio.timeout(1):
        async with platform.dispatcher.running():
            platform.submit("never", SLOW)
    assert platform.done == ["a"]
