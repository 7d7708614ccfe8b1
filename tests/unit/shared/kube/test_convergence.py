"""Whatever others do, and however late we hear of it: the cluster ends as desired, and it gets quiet."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from shared.kube.errors import NotFound
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import GroupKind, Object
from tests.unit.shared.kube.conftest import Engine

NAMES = ("a", "b", "c", "d")


async def meddle(engine: Engine, chance: random.Random) -> None:
    """Somebody else edits, relabels, deletes, or makes anew."""
    name = chance.choice(NAMES)
    patches: list[Object] = [
        {"data": {"wanted": f"no {chance.random()}"}},
        {"data": {"theirs": f"{chance.random()}"}},
        {"metadata": {"labels": None}},
        {"metadata": {"annotations": {"theirs": f"{chance.random()}"}}},
    ]
    with suppress(NotFound):
        if chance.random() < 0.3:
            await engine.client.delete(CONFIG_MAP, engine.namespace, name)
            if chance.random() < 0.5:
                await engine.client.create(CONFIG_MAP, engine.config_map(name, theirs="all"))
        else:
            await engine.edit(name, chance.choice(patches))


async def settled(engine: Engine, desired: dict[str, str]) -> None:
    """Repair for as long as drift is told of; no other occasion makes us look."""
    objects = [engine.config_map(name, wanted=value) for name, value in desired.items()]
    await engine.apply(*objects)
    quiet_until = 0.15
    while True:
        await asyncio.sleep(quiet_until)
        if not engine.drifts:
            return
        engine.drifts.clear()
        await engine.apply(*objects)


@pytest.mark.parametrize("seed", range(3))
async def test_the_cluster_ends_as_desired(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    desired = dict.fromkeys(NAMES, "0")
    await engine.apply(*(engine.config_map(name, wanted="0") for name in NAMES))
    await engine.covered(GroupKind("", "ConfigMap"))
    for round_ in range(6):
        for _ in range(chance.randrange(3)):
            await meddle(engine, chance)
            if chance.random() < 0.3:
                await asyncio.sleep(0.005)
        if chance.random() < 0.5:
            desired[chance.choice(NAMES)] = str(round_)
        await settled(engine, desired)
        for name, value in desired.items():
            found = await engine.find(name)
            assert found is not None
            assert found["data"]["wanted"] == value
            assert engine.owner.owns(found)
    engine.count()
    await settled(engine, desired)
    assert engine.count() == {}, "and nothing more is asked"
