import asyncio

import pytest

from shared.runtime.queue import Queue, QueueClosed


@pytest.fixture
async def queue():
    return Queue(min_delay=0.01, max_delay=0.05)


async def take(queue, seconds=1.0):
    async with asyncio.timeout(seconds):
        return (await queue.take())[0]


async def test_a_key_waits_only_once(queue):
    queue.add("a")
    queue.add("a")
    assert await take(queue) == "a"
    queue.done("a")
    with pytest.raises(TimeoutError):
        await take(queue, 0.02)


async def test_keys_come_out_in_order(queue):
    for key in "abc":
        queue.add(key)
    assert [await take(queue) for _ in range(3)] == ["a", "b", "c"]


async def test_a_key_is_never_in_two_hands_and_comes_back_once_it_is_done(queue):
    queue.add("a")
    await take(queue)
    queue.add("a")
    assert queue.wanted_again("a")
    with pytest.raises(TimeoutError):
        await take(queue, 0.02)
    queue.done("a")
    assert await take(queue) == "a"


async def test_the_earlier_appointment_stays(queue):
    queue.add_after("a", 0.01)
    queue.add_after("a", 60)
    assert await take(queue) == "a"


async def test_an_earlier_appointment_replaces_a_later_one(queue):
    queue.add_after("a", 60)
    queue.add_after("a", 0.01)
    assert await take(queue) == "a"


async def test_failures_wait_longer_and_longer_up_to_the_limit(queue):
    delays = []
    for _ in range(5):
        delays.append(queue.add_failed("a"))
        await take(queue)
        queue.done("a")
    assert delays == [0.01, 0.02, 0.04, 0.05, 0.05]
    queue.forgive("a")
    assert queue.add_failed("a") == 0.01


async def test_a_thousand_failures_do_not_overflow(queue):
    queue._failures["a"] = 5_000
    assert queue.add_failed("a") == 0.05


async def test_waking_a_key_cancels_its_appointment(queue):
    queue.add_after("a", 0.02)
    queue.add("a")
    await take(queue)
    queue.done("a")
    with pytest.raises(TimeoutError):
        await take(queue, 0.04)


async def test_a_forgotten_key_does_not_come(queue):
    queue.add("a")
    queue.add_after("b", 0.01)
    queue.forget("a")
    queue.forget("b")
    with pytest.raises(TimeoutError):
        await take(queue, 0.03)


async def test_a_closed_queue_sends_its_workers_home(queue):
    waiting = [asyncio.ensure_future(queue.take()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [QueueClosed] * 3
    queue.add("a")
    assert len(queue) == 0


async def test_appointments_that_were_replaced_do_not_pile_up(queue):
    """An object with a long interval that is woken all the time gets a new appointment at every pass."""
    for _ in range(5_000):
        queue.add("a")
        await take(queue)
        queue.done("a")
        queue.add_after("a", 3_600)
    assert len(queue._heap) < 2_000
    queue.add_after("a", 0.01)
    assert await take(queue) == "a"


async def test_the_state_tells_of_what_waits_and_what_is_in_hand():
    added = []
    queue = Queue(min_delay=1, max_delay=1, added=lambda: added.append(1))
    for key in "aabc":
        queue.add(key)
    await take(queue)
    await take(queue)
    queue.add("a")
    queue.add("a")
    await asyncio.sleep(0.02)
    state = queue.state()
    assert (state.depth, len(added)) == (1, 4)
    assert 0.02 <= state.longest < state.unfinished < 1
    queue.done("a")
    queue.done("b")
    assert (queue.state().depth, queue.state().unfinished) == (2, 0)
