from __future__ import annotations

import asyncio
from contextlib import suppress

from shared.kube.client import Identity
from shared.kube.tracker import Tracker
from shared.model.kinds import CONFIG_MAP, SECRET
from shared.model.meta import GroupKind, ObjectKey
from tests.unit.shared.kube.conftest import Engine

CONFIG_MAPS = GroupKind("", "ConfigMap")


async def test_kinds_are_watched_while_somebody_needs_them(engine: Engine) -> None:
    one, two = ObjectKey("a", "one"), ObjectKey("a", "two")
    engine.tracker.use(one, [CONFIG_MAP, SECRET])
    engine.tracker.use(two, [CONFIG_MAP])
    await engine.covered(CONFIG_MAPS, GroupKind("", "Secret"))
    engine.tracker.use(one, [CONFIG_MAP])
    assert not engine.tracker.covers(GroupKind("", "Secret"))
    engine.tracker.release(one)
    assert engine.tracker.covers(CONFIG_MAPS)
    engine.tracker.release(two)
    assert not engine.tracker.covers(CONFIG_MAPS)


async def test_the_number_of_watched_kinds_is_bounded(engine: Engine) -> None:
    tracker = Tracker(engine.client, max_kinds=1)
    tracker.use(ObjectKey("a", "b"), [CONFIG_MAP])
    tracker.use(ObjectKey("a", "c"), [SECRET])
    with tracker.writing(SECRET, ObjectKey("a", "x")) as answer:
        answer.obj = None
    assert not tracker.covers(GroupKind("", "Secret"))


async def test_a_kind_that_may_not_be_watched_is_checked_in_full(engine: Engine) -> None:
    stranger = engine.client.impersonating(Identity.service_account(engine.namespace, "stranger"))
    tracker = Tracker(stranger)
    running = asyncio.create_task(tracker.run())
    tracker.use(engine.memory.owner, [CONFIG_MAP])
    await asyncio.sleep(0.3)
    assert not tracker.covers(CONFIG_MAPS)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_fight_is_slowed_down_and_told(engine: Engine) -> None:
    await engine.apply(engine.config_map("one", a="1"))
    await engine.covered(CONFIG_MAPS)
    delays = []
    for round_ in range(6):
        await engine.edit("one", {"data": {"a": f"theirs {round_}"}})
        delays.append((await engine.drift()).delay)
        await engine.apply(engine.config_map("one", a="1"))
    assert delays == [0, 0, 0, 0, 2, 4]
    [fight] = engine.tracker.fights()
    assert fight.key == (CONFIG_MAPS, ObjectKey(engine.namespace, "one"))
    assert fight.repairs == 6


async def test_a_subscriber_can_leave(engine: Engine) -> None:
    heard: list[str] = []
    leave = engine.tracker.subscribe(lambda drift: heard.append(drift.ref.name))
    await engine.apply(engine.config_map("one"))
    await engine.covered(CONFIG_MAPS)
    leave()
    leave()
    await engine.edit("one", {"data": {"a": "b"}})
    await engine.drift()
    assert heard == []


async def test_owners_of_before_and_after_are_told(engine: Engine) -> None:
    await engine.apply(engine.config_map("one"))
    await engine.covered(CONFIG_MAPS)
    await engine.edit("one", {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "thief"}}})
    owners = {(await engine.drift()).owner.name, (await engine.drift()).owner.name}
    assert owners == {"apps", "thief"}


async def test_listeners_hear_of_every_move(engine: Engine) -> None:
    heard: list[str] = []
    leave = engine.tracker.subscribe_moves(lambda owner, ref: heard.append(f"{owner.name} {ref.name}"))
    await engine.apply(engine.config_map("one"))
    await engine.covered(CONFIG_MAPS)
    heard.clear()
    await engine.apply(engine.config_map("one", a="b"))
    async with asyncio.timeout(5):
        while not heard:
            await asyncio.sleep(0.01)
    assert set(heard) == {"apps one"}
    assert engine.drifts == []
    leave()


async def test_what_the_watch_does_not_tell_of_is_not_remembered(engine: Engine) -> None:
    engine.tracker.use(engine.memory.owner, [CONFIG_MAP])
    await engine.covered(CONFIG_MAPS)
    key = ObjectKey(engine.namespace, "unlabelled")
    with engine.tracker.writing(CONFIG_MAP, key) as answer:
        answer.obj = await engine.client.create(CONFIG_MAP, engine.config_map("unlabelled"))
    engine.tracker.note(CONFIG_MAP, key, answer.obj)
    assert engine.tracker.find(CONFIG_MAPS, key) is None
