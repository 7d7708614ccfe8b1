from __future__ import annotations

from dataclasses import replace

import pytest

from controllers.helm.actions.errors import ActionFailed, NothingInstalled
from controllers.helm.actions.requests import Uninstall
from controllers.helm.actions.uninstall import uninstall
from controllers.helm.release.record import Status
from shared.model.kinds import CONFIG_MAP
from tests.unit.controllers.helm.actions.stage import FAIL, Stage, config_map, hook, job, waits


async def test_objects_and_records_are_gone(stage: Stage) -> None:
    await stage.install(
        config_map("settings"),
        config_map("kept", {"helm.sh/resource-policy": "keep"}),
        hook(job("before"), "pre-delete"),
        hook(job("after"), "post-delete"),
    )
    await stage.upgrade(config_map("settings"), config_map("kept", {"helm.sh/resource-policy": "keep"}))

    release = await uninstall(stage.tools, Uninstall(waits()))

    assert (release.status, release.info.description) == (Status.UNINSTALLED, "Uninstallation complete")
    assert release.info.deleted
    assert [await stage.data(name) for name in ("settings", "kept")] == [None, {}]
    assert await stage.heads() == []
    assert stage.stored[-2:] == ["v2 uninstalling", "v2 uninstalled"]


async def test_the_history_can_be_kept(stage: Stage) -> None:
    await stage.install(config_map("settings"))

    await uninstall(stage.tools, Uninstall(waits(), keep_history=True))

    assert await stage.heads() == ["v1 uninstalled"]
    with pytest.raises(ActionFailed, match="already deleted"):
        await uninstall(stage.tools, Uninstall(waits(), keep_history=True))
    await uninstall(stage.tools, Uninstall(waits()))
    assert await stage.heads() == []


async def test_nothing_is_there(stage: Stage) -> None:
    with pytest.raises(NothingInstalled, match='release "web" was not found'):
        await uninstall(stage.tools, Uninstall(waits()))


async def test_a_hook_that_fails_keeps_everything(stage: Stage) -> None:
    await stage.install(config_map("settings"), hook(job("before", pod={FAIL: "job-fails"}), "pre-delete"))

    with pytest.raises(ActionFailed, match="failed pre-delete: pre-delete hook Job/before"):
        await uninstall(stage.tools, Uninstall(waits()))
    assert await stage.heads() == ["v1 uninstalling"]
    assert await stage.data("settings") == {}

    await uninstall(stage.tools, Uninstall(waits(), hooks=False))
    assert await stage.heads() == []


async def test_what_does_not_go_is_named_and_the_release_forgotten(stage: Stage) -> None:
    await stage.install(config_map("stays"), config_map("goes"))
    await stage.client.patch(
        CONFIG_MAP, stage.namespace, "stays", {"metadata": {"finalizers": ["example.org/never"]}}
    )

    with pytest.raises(ActionFailed) as failure:
        await uninstall(stage.tools, Uninstall(waits(0.2)))

    assert failure.value.message == (
        "uninstallation completed with 1 error(s): not deleted after 200ms: "
        f"ConfigMap/{stage.namespace}/stays"
    )
    assert await stage.heads() == []
    await stage.client.patch(CONFIG_MAP, stage.namespace, "stays", {"metadata": {"finalizers": None}})


async def test_kinds_that_are_not_served_any_more_do_not_hinder(stage: Stage) -> None:
    release = await stage.install(config_map("settings"))
    gone = "---\n# Source: x\napiVersion: extensions/v1beta1\nkind: Ingress\nmetadata:\n  name: old\n"
    await stage.storage.update(replace(release, manifest=release.manifest + gone))

    await uninstall(stage.tools, Uninstall(waits()))

    assert await stage.data("settings") is None
