from __future__ import annotations

from dataclasses import replace

import pytest

from controllers.helm.actions.errors import ActionFailed, NothingInstalled, RecordUnusable
from controllers.helm.actions.requests import ServerSide, Upgrade
from controllers.helm.actions.upgrade import upgrade
from controllers.helm.release.record import Status
from shared.model.kinds import CONFIG_MAP, SECRET
from tests.unit.controllers.helm.actions.stage import (
    FAIL,
    Stage,
    config_map,
    deployment,
    hook,
    job,
    waits,
)

KEEP = {"helm.sh/resource-policy": "keep"}


async def test_objects_are_changed_created_and_deleted(stage: Stage) -> None:
    first = await stage.install(config_map("same", a="1", b="1"), config_map("old"), config_map("kept", KEEP))

    release = await stage.upgrade(config_map("same", a="2"), config_map("new"))

    assert await stage.data("same") == {"a": "2"}
    assert [await stage.data(name) for name in ("new", "old", "kept")] == [{}, None, {}]
    assert (release.version, release.info.description) == (2, "Upgrade complete")
    assert release.info.first_deployed == first.info.first_deployed
    assert await stage.heads() == ["v1 superseded", "v2 deployed"]
    assert stage.templates.requests[-1].is_upgrade
    assert stage.templates.requests[-1].revision == 2


async def test_a_failed_upgrade_is_recorded_over_what_stays_deployed(stage: Stage) -> None:
    await stage.install(config_map("settings"))

    with pytest.raises(ActionFailed) as failure:
        await stage.upgrade(deployment("web", **{FAIL: "never-ready"}), wait=waits(0.3))

    assert await stage.heads() == ["v1 deployed", "v2 failed"]
    assert failure.value.release is not None
    assert failure.value.release.info.description.startswith('Upgrade "web" failed: timeout waiting for')


async def test_what_a_failed_upgrade_left_goes_with_the_next(stage: Stage) -> None:
    await stage.install(config_map("settings"))
    with pytest.raises(ActionFailed):
        await stage.upgrade(
            config_map("settings"),
            config_map("leftover"),
            deployment("web", **{FAIL: "never-ready"}),
            wait=waits(0.3),
        )
    assert await stage.data("leftover") == {}

    await stage.upgrade(config_map("settings", a="2"))

    assert await stage.data("leftover") is None
    assert await stage.heads() == ["v1 superseded", "v2 failed", "v3 deployed"]


async def test_cleanup_deletes_what_was_created_alone(stage: Stage) -> None:
    await stage.install(config_map("settings"))

    with pytest.raises(ActionFailed):
        await stage.upgrade(
            config_map("settings", a="2"),
            config_map("new"),
            deployment("web", **{FAIL: "never-ready"}),
            wait=waits(0.3),
            cleanup_on_fail=True,
        )

    assert await stage.data("new") is None
    assert await stage.data("settings") == {"a": "2"}


async def test_hooks_of_an_upgrade(stage: Stage) -> None:
    await stage.install(config_map("settings"))

    with pytest.raises(ActionFailed, match="pre-upgrade hooks failed: pre-upgrade hook Job/check"):
        await stage.upgrade(hook(job("check", pod={FAIL: "job-fails"}), "pre-upgrade"))
    assert await stage.data("settings") == {}

    release = await stage.upgrade(hook(job("check"), "pre-upgrade"), hooks=False)
    assert release.status is Status.DEPLOYED


async def test_history_is_pruned_but_never_the_deployed_revision(stage: Stage) -> None:
    await stage.install(config_map("settings"))
    for number in range(3):
        await stage.upgrade(config_map("settings", n=str(number)), max_history=2)
    assert await stage.heads() == ["v3 superseded", "v4 deployed"]

    for _ in range(2):
        with pytest.raises(ActionFailed):
            await stage.upgrade(deployment("web", **{FAIL: "never-ready"}), wait=waits(0.1), max_history=2)
    assert await stage.heads() == ["v4 deployed", "v6 failed"]


async def test_preserved_values_lie_below_the_new_ones(stage: Stage) -> None:
    stage.chart(config_map("settings"))
    old = {"a": {"x": 1, "y": 1}, "gone": 1}
    await stage.install(config_map("settings"))
    first = await stage.storage.last()
    assert first is not None
    await stage.storage.update(replace(first, config=old))
    content = stage.content({"a": {"y": 2}, "gone": None})

    release = await upgrade(stage.tools, Upgrade(content, waits(), preserve_values=True))

    assert release.config == {"a": {"x": 1, "y": 2}}
    rendered_with = {"size": 1, "kept": "default", "a": {"x": 1, "y": 2}}
    assert stage.templates.requests[-1].values == rendered_with


async def test_there_must_be_something_to_upgrade(stage: Stage) -> None:
    with pytest.raises(NothingInstalled, match='"web" has no deployed releases'):
        await stage.upgrade(config_map("settings"))


async def test_a_pending_release_is_not_touched(stage: Stage) -> None:
    release = await stage.install(config_map("settings"))
    await stage.storage.update(release.as_status(Status.PENDING_UPGRADE))

    with pytest.raises(ActionFailed, match="another operation"):
        await stage.upgrade(config_map("settings", a="2"))


async def test_a_corrupt_record_is_named(stage: Stage) -> None:
    await stage.install(config_map("settings"))
    await stage.client.patch(
        SECRET, stage.namespace, "sh.helm.release.v1.web.v1", {"data": {"release": "bm9uc2Vuc2U="}}
    )

    with pytest.raises(RecordUnusable, match=rf"Secret {stage.namespace}/sh.helm.release.v1.web.v1 holds no"):
        await stage.upgrade(config_map("settings", a="2"))


async def test_an_old_corrupt_record_does_not_spoil_an_upgrade(stage: Stage) -> None:
    first = await stage.install(config_map("settings"))
    await stage.upgrade(config_map("settings", a="1"))
    await stage.storage.update(first)
    await stage.client.patch(
        SECRET, stage.namespace, "sh.helm.release.v1.web.v1", {"data": {"release": "bm9uc2Vuc2U="}}
    )

    await stage.upgrade(config_map("settings", a="2"))

    assert await stage.heads() == ["v1 deployed", "v2 superseded", "v3 deployed"]


async def test_client_side_releases_stay_so_until_told_otherwise(stage: Stage) -> None:
    await stage.install(config_map("settings", a="1", b="1"), server_side=False)
    await stage.client.patch(
        CONFIG_MAP, stage.namespace, "settings", {"data": {"foreign": "1"}}, params={"fieldManager": "x"}
    )

    release = await stage.upgrade(config_map("settings", a="2"))
    assert release.apply_method == "csa"
    assert await stage.data("settings") == {"a": "2", "foreign": "1"}

    release = await stage.upgrade(config_map("settings", c="3"), server_side=ServerSide.ENABLED)
    assert release.apply_method == "ssa"
    assert await stage.data("settings") == {"c": "3", "foreign": "1"}


async def test_force_replaces_where_patches_are_client_side(stage: Stage) -> None:
    await stage.install(config_map("settings", a="1"), server_side=False)
    await stage.client.patch(CONFIG_MAP, stage.namespace, "settings", {"data": {"foreign": "1"}})

    await stage.upgrade(config_map("settings", a="2"), force=True)

    assert await stage.data("settings") == {"a": "2"}


async def test_what_helm_itself_wrote_is_taken_over(stage: Stage) -> None:
    await stage.install(config_map("settings", a="1"))
    theirs = config_map("settings", b="1")
    theirs["metadata"]["namespace"] = stage.namespace
    await stage.client.apply(CONFIG_MAP, theirs, field_manager="helm")

    await stage.upgrade(config_map("settings", a="2"))

    assert await stage.data("settings") == {"a": "2"}


async def test_validation_can_be_switched_off(stage: Stage) -> None:
    await stage.install(config_map("settings"))
    odd = deployment("web")
    odd["spec"]["template"]["spec"]["nonsense"] = True

    with pytest.raises(ActionFailed, match="nonsense"):
        await stage.upgrade(odd)
    release = await stage.upgrade(odd, validate=False)

    assert release.status is Status.DEPLOYED
