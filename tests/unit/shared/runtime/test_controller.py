"""Watch, queue and workers against a real API: what wakes an object, and how often it is looked at."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.kinds import GIT_REPOSITORY
from shared.model.meta import REQUESTED_AT
from shared.runtime.attempt import Next
from shared.runtime.controller import jitter
from shared.runtime.failure import Failure
from shared.runtime.outcome import Done


def ready(report):
    report.conditions.mark_true("Ready", "Succeeded", "all is well")
    return Done(None)


@pytest.mark.parametrize(
    ("change", "subresource", "passes"),
    [
        ({"spec": {"url": "https://git.example.com/other"}}, "", 1),
        ({"metadata": {"annotations": {REQUESTED_AT: "now"}}}, "", 1),
        ({"metadata": {"annotations": {"example.com/note": "hello"}}}, "", 0),
        ({"metadata": {"labels": {"team": "a"}}}, "", 0),
        ({"status": {"lastHandledReconcileAt": "never"}}, "status", 0),
    ],
    ids=["a new generation", "a request", "another annotation", "a label", "a status"],
)
async def test_what_wakes_an_object(rig, change, subresource, passes):
    story = rig()
    await story.create()
    async with story.running():
        await story.until(lambda: story.passes == ["repo"])
        await story.quiet(0.1)
        await story.patch(change, subresource=subresource)
        assert await story.quiet() == 1 + passes


async def test_a_request_that_is_withdrawn_is_none(rig):
    story = rig()
    await story.create()
    await story.patch({"metadata": {"annotations": {REQUESTED_AT: "now"}}})
    async with story.running():
        await story.until(lambda: story.passes == ["repo"])
        await story.patch({"metadata": {"annotations": {REQUESTED_AT: None}}})
        assert await story.quiet() == 1


async def test_one_object_is_never_in_two_hands_and_two_objects_are(rig):
    story = rig()
    in_hand: list[str] = []
    most: dict[str, int] = {"one": 0, "both": 0}

    async def slowly(report):
        in_hand.append(report.key.name)
        most["one"] = max(most["one"], in_hand.count(report.key.name))
        most["both"] = max(most["both"], len(in_hand))
        await asyncio.sleep(0.05)
        in_hand.remove(report.key.name)
        return ready(report)

    story.act = slowly
    for name in ("a", "b"):
        await story.create(name)
    async with story.running():
        for _ in range(20):
            story.controller.wake(story.key("a"))
            story.controller.wake(story.key("b"))
            await asyncio.sleep(0.01)
        await story.until(lambda: not in_hand)
    assert most == {"one": 1, "both": 2}


async def test_a_failing_object_is_tried_later_and_later_and_success_forgives(rig):
    story, loop = rig("--max-retry-delay=5s"), asyncio.get_running_loop()
    moments: list[float] = []

    async def fail_four_times(report):
        moments.append(loop.time())
        if len(moments) <= 4:
            raise Failure("not yet")
        return ready(report)

    story.act = fail_four_times
    await story.create()
    async with story.running():
        await story.until(lambda: len(moments) == 5)
        await story.until(lambda: story.metric("workqueue_retries_total", name="gitrepository") == 4)
        await asyncio.sleep(0.05)
        moments.clear()
        story.controller.wake(story.key())
        await story.until(lambda: len(moments) == 2)
        first_again = moments[1] - moments[0]
    assert first_again < 0.6


async def test_the_delays_double_up_to_the_limit(rig):
    story, loop = rig("--max-retry-delay=200ms"), asyncio.get_running_loop()
    moments: list[float] = []

    async def fail(report):
        moments.append(loop.time())
        raise Failure("not yet")

    story.act = fail
    await story.create()
    async with story.running():
        await story.until(lambda: len(moments) == 6)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    for gap, least in zip(gaps, (0.05, 0.1, 0.2, 0.2, 0.2), strict=True):
        assert least <= gap < least + 1


@given(seconds=st.floats(0, 86_400), percentage=st.integers(0, 99), _again=st.integers(0, 1))
def test_the_jitter_stays_within_its_share(seconds, percentage, _again):
    share = percentage / 100
    assert seconds * (1 - share) <= jitter(seconds, share) <= seconds * (1 + share)


def test_the_jitter_spreads_evenly():
    drawn = [jitter(100, 0.05) for _ in range(2_000)]
    assert 99.6 < sum(drawn) / len(drawn) < 100.4
    assert min(drawn) < 95.5
    assert max(drawn) > 104.5


async def test_the_next_pass_sees_what_the_last_one_wrote_though_the_watch_lags(rig):
    """The cache is fed by hand, and is not told of our own writes."""
    story, seen = rig(), []

    async def look(report):
        seen.append(report.conditions.find("Ready"))
        return ready(report)

    story.act = look
    story.controller.cache._take("ADDED", await story.create())
    story.controller.cache.synced.set()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(story.controller._hand_out(tasks))
        await story.until(lambda: len(seen) == 1)
        await asyncio.sleep(0.1)
        story.controller.wake(story.key())
        await story.until(lambda: len(seen) == 2)
        story.controller._queue.close()
    assert seen[0] is None
    assert seen[1].is_true


async def test_an_object_made_again_while_nobody_watched_is_looked_at(rig):
    """After a break of the watch only the new list tells: same name and generation, another uid."""
    story = rig()
    first = await story.create()
    cache, queue = story.controller.cache, story.controller._queue
    cache._replace([first])
    await queue.take()
    queue.done(story.key())
    await story.client.delete(GIT_REPOSITORY, story.namespace, "repo")
    cache._replace([await story.create()])
    assert len(queue) == 1


async def test_an_object_made_again_while_the_old_one_is_in_hand_is_not_lost(rig):
    story = rig()
    await story.create()

    async def replaced(report):
        if len(story.passes) == 1:
            await story.patch({"metadata": {"finalizers": None}})
            await story.client.delete(GIT_REPOSITORY, story.namespace, "repo")
            await story.create()
            await asyncio.sleep(0.1)
        return ready(report)

    story.act = replaced
    async with story.running():
        await story.until(lambda: len(story.passes) == 2)
        await asyncio.sleep(0.1)
    assert (await story.get())["status"]["observedGeneration"] == 1


async def test_the_status_of_an_object_is_not_written_to_its_successor(rig):
    story = rig()
    old = await story.create()

    async def replaced(report):
        await story.patch({"metadata": {"finalizers": None}})
        await story.client.delete(GIT_REPOSITORY, story.namespace, "repo")
        await story.create()
        return ready(report)

    story.act = replaced
    verdict = await story.controller._attempt.run(old)
    assert verdict.gone
    assert "conditions" not in (await story.get()).get("status", {})


async def test_nothing_is_kept_of_an_object_that_is_gone(rig):
    story = rig()
    await story.create()
    async with story.running():
        await story.until(lambda: story.passes == ["repo"])
        await asyncio.sleep(0.05)
        await story.client.delete(GIT_REPOSITORY, story.namespace, "repo")
        await story.until(lambda: story.forgotten == [story.key()])
        await asyncio.sleep(0.1)
    labels = {"kind": "GitRepository", "name": "repo", "namespace": story.namespace}
    assert story.metric("gotk_reconcile_duration_seconds_count", **labels) is None
    assert story.controller._written == {}


async def test_a_late_verdict_about_a_gone_object_leaves_nothing(rig):
    """The watch may tell of the deletion before the pass that caused it has ended."""
    story = rig()
    obj = await story.create()
    controller = story.controller
    controller.cache._take("ADDED", obj)
    controller.cache._take("DELETED", obj)
    controller._schedule(story.key(), Next("success", gone=True, latest=obj))
    assert controller._written == {}


async def test_stopping_finishes_what_is_in_hand_and_begins_nothing(rig):
    story, ended = rig("--concurrent=1"), []

    async def slowly(report):
        await asyncio.sleep(0.2)
        ended.append(report.key.name)
        return ready(report)

    story.act = slowly
    for name in ("a", "b", "c"):
        await story.create(name)
    async with story.running():
        await story.until(lambda: len(story.passes) == 1)
    assert ended == story.passes
    assert len(ended) == 1
    now = await story.get(ended[0])
    assert now["status"]["observedGeneration"] == 1


async def test_stopping_waits_no_longer_than_the_grace(rig):
    story, loop = rig(), asyncio.get_running_loop()

    async def hang(report):
        await asyncio.sleep(3_600)
        return Done(timedelta(hours=1))

    story.act = hang
    await story.create()
    stop = asyncio.Event()
    running = asyncio.create_task(story.controller.run(stop, grace=0.1))
    await story.until(lambda: len(story.passes) == 1)
    began = loop.time()
    stop.set()
    await running
    assert loop.time() - began < 3


async def test_names_that_are_no_text_cost_one_object_and_not_the_process(rig):
    """A file name that is not UTF-8 reaches messages as lone surrogates, which JSON cannot hold."""
    story = rig()

    async def stumble(report):
        if report.key.name == "bad":
            raise Failure("cannot read 'caf\udce9.yaml'")
        return ready(report)

    story.act = stumble
    await story.create("bad")
    async with story.running():
        await story.until(lambda: len(story.passes) >= 2)
        await story.create("good")
        await story.until(lambda: "good" in story.passes)
    ready_now = next(c for c in (await story.get("bad"))["status"]["conditions"] if c["type"] == "Ready")
    assert (ready_now["status"], ready_now["message"]) == ("False", "cannot read 'caf?.yaml'")
