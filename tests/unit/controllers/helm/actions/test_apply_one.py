"""Writing over what others write at the same time."""

from __future__ import annotations

import asyncio

import pytest

from controllers.helm.actions.apply_one import Applied, ObjectWriter, WriteOptions
from controllers.helm.actions.objects import Placed, place
from shared.kube.errors import Invalid, KubeError
from shared.model.kinds import CONFIG_MAP, SECRET
from tests.unit.controllers.helm.actions.stage import Stage, config_map

CLIENT_SIDE = WriteOptions(server_side=False)


async def placed(stage: Stage, **data: str) -> Placed:
    (item,) = await place(stage.tools, [{**config_map("settings"), "data": data}], stage.namespace)
    return item


@pytest.mark.parametrize("options", [WriteOptions(), CLIENT_SIDE], ids=["server-side", "client-side"])
async def test_what_was_done_is_told(stage: Stage, options: WriteOptions) -> None:
    writer = ObjectWriter(stage.tools, options)
    first, second = await placed(stage, a="1"), await placed(stage, a="2")

    assert await writer.write(first, None) is Applied.CREATED
    assert await writer.write(second, first.desired) is Applied.CHANGED
    assert await stage.data("settings") == {"a": "2"}


async def test_a_client_side_write_that_changes_nothing_is_left_out(stage: Stage) -> None:
    writer = ObjectWriter(stage.tools, CLIENT_SIDE)
    item = await placed(stage, a="1")
    await writer.write(item, None)

    assert await writer.write(item, item.desired) is Applied.UNCHANGED


async def test_writes_at_the_same_time_lose_nothing(stage: Stage) -> None:
    writer = ObjectWriter(stage.tools, CLIENT_SIDE)
    items = [await placed(stage, **{f"key{number}": "1"}) for number in range(3)]
    await writer.write(items[0], None)

    await asyncio.gather(*(writer.write(item, None) for item in items))

    assert await stage.data("settings") == {"key0": "1", "key1": "1", "key2": "1"}


async def test_creating_at_the_same_time_is_no_failure(stage: Stage) -> None:
    writer = ObjectWriter(stage.tools, CLIENT_SIDE)
    item = await placed(stage, a="1")

    done = await asyncio.gather(*(writer.write(item, None) for _ in range(3)))

    assert done.count(Applied.CREATED) == 1


async def test_a_refused_object_is_named_and_its_secrets_are_not(stage: Stage) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "type": "kubernetes.io/tls",
        "stringData": {"password": "hunter22", "hunter22/": "x"},
    }
    (item,) = await place(stage.tools, [secret], stage.namespace)

    with pytest.raises(KubeError, match=rf"^Secret/{stage.namespace}/s apply failed") as failure:
        await ObjectWriter(stage.tools, WriteOptions()).write(item, None)

    assert "hunter22" not in str(failure.value)
    assert isinstance(failure.value.__cause__, Invalid)
    assert await stage.find("s", SECRET) is None


async def test_fields_of_a_former_manager_go_with_the_manifest(stage: Stage) -> None:
    old = await placed(stage, a="1", b="1")
    await ObjectWriter(stage.tools, CLIENT_SIDE).write(old, None)
    await stage.client.patch(
        CONFIG_MAP, stage.namespace, "settings", {"data": {"c": "1"}}, params={"fieldManager": "kubectl-edit"}
    )

    await ObjectWriter(stage.tools, WriteOptions()).write(await placed(stage, a="2"), old.desired)

    assert await stage.data("settings") == {"a": "2", "c": "1"}
