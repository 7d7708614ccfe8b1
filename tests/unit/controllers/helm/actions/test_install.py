from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from controllers.helm.actions.errors import ActionFailed, Interrupted
from controllers.helm.actions.install import install
from controllers.helm.actions.requests import Install, PostRender, PostRenderStrategy
from controllers.helm.release.record import HookPhase, Status
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import Object
from tests.unit.controllers.helm.actions.stage import (
    DEPLOYMENT,
    FAIL,
    JOB,
    NAMESPACE,
    ORIGIN,
    Stage,
    config_map,
    deployment,
    hook,
    job,
    waits,
)


async def test_objects_are_applied_and_recorded(stage: Stage) -> None:
    release = await stage.install(config_map("settings", a="1"), deployment("web"))

    assert (release.version, release.status, release.info.description) == (
        1,
        Status.DEPLOYED,
        "Install complete",
    )
    assert stage.stored == ["v1 pending-install", "v1 deployed"]
    assert release == await stage.storage.last()
    live = await stage.find("settings")
    assert live is not None
    assert live["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm", **ORIGIN}
    assert live["metadata"]["annotations"] == {
        "meta.helm.sh/release-name": "web",
        "meta.helm.sh/release-namespace": stage.namespace,
    }
    assert {entry["manager"] for entry in live["metadata"]["managedFields"]} == {"helm-controller"}
    ready = await stage.find("web", DEPLOYMENT)
    assert ready is not None
    assert ready["status"]["readyReplicas"] == 1


async def test_hooks_run_by_weight_around_the_objects(stage: Stage) -> None:
    release = await stage.install(
        config_map("settings"),
        hook(job("second"), "pre-install", weight=5),
        hook(job("first"), "pre-install,pre-upgrade", weight=-5, policy="hook-succeeded"),
        hook(job("last"), "post-install"),
        hook(job("never"), "post-upgrade"),
    )

    phases = {item.name: item.last_run.phase for item in release.hooks}
    assert phases == {
        "first": HookPhase.SUCCEEDED,
        "second": HookPhase.SUCCEEDED,
        "last": HookPhase.SUCCEEDED,
        "never": HookPhase.NEVER_RUN,
    }
    runs = sorted((item.last_run.started_at, item.name) for item in release.hooks if item.last_run.started_at)
    assert [name for _, name in runs] == ["first", "second", "last"]
    assert await stage.find("first", JOB) is None
    assert await stage.find("second", JOB) is not None


async def test_hooks_of_one_name_are_told_apart(stage: Stage) -> None:
    pair = [hook(job("same"), "pre-install"), hook(job("same"), "pre-upgrade")]
    stage.templates.files = {"demo/templates/hooks.yaml": "\n---\n".join(map(json.dumps, pair))}
    content = stage.content(post_render=PostRender(origin=ORIGIN, strategy=PostRenderStrategy.SEPARATE))

    release = await install(stage.tools, Install(content, waits()))

    assert [(item.events, item.last_run.phase) for item in release.hooks] == [
        (("pre-install",), HookPhase.SUCCEEDED),
        (("pre-upgrade",), HookPhase.NEVER_RUN),
    ]


async def test_a_failing_hook_is_named_with_its_job_and_reason(stage: Stage) -> None:
    broken = hook(job("migrate", pod={FAIL: "job-fails"}), "pre-install")

    with pytest.raises(ActionFailed) as failure:
        await stage.install(config_map("settings"), broken)

    assert "failed pre-install: pre-install hook Job/migrate (demo/templates/01.yaml) failed" in str(
        failure.value
    )
    assert "BackoffLimitExceeded" in failure.value.message
    assert failure.value.release == await stage.storage.last()
    assert failure.value.release is not None
    assert failure.value.release.status is Status.FAILED
    assert failure.value.release.info.description.startswith('Release "web" failed: failed pre-install')
    assert await stage.find("settings") is None


async def test_a_hook_that_never_ends_runs_into_its_timeout(stage: Stage) -> None:
    endless = {"localcluster.headwater.dev/finish-after": "never"}

    with pytest.raises(ActionFailed, match=r"timeout waiting for.*endless"):
        await stage.install(hook(job("endless", pod=endless), "pre-install"), wait=waits(0.5))

    assert await stage.heads() == ["v1 failed"]


async def test_a_workload_that_fails_is_named(stage: Stage) -> None:
    broken = deployment("web", **{FAIL: "ImagePullBackOff"})

    with pytest.raises(ActionFailed, match=r"timeout waiting for: \[Deployment/.*/web status: 'InProgress'"):
        await stage.install(broken, wait=waits(1))

    assert await stage.heads() == ["v1 failed"]


async def test_every_refused_object_is_named(stage: Stage) -> None:
    def bad(name: str) -> Object:
        return {**config_map(name), "data": {"not/a key": "1"}}

    with pytest.raises(ActionFailed) as failure:
        await stage.install(bad("one"), config_map("good"), bad("two"))

    assert [line.split(" apply failed")[0] for line in failure.value.message.splitlines()] == [
        f"ConfigMap/{stage.namespace}/one",
        f"ConfigMap/{stage.namespace}/two",
    ]
    assert await stage.data("good") == {}


async def test_an_unknown_kind_stores_nothing(stage: Stage) -> None:
    unknown = {"apiVersion": "example.org/v1", "kind": "Nothing", "metadata": {"name": "x"}}

    with pytest.raises(ActionFailed) as failure:
        await stage.install(config_map("settings"), unknown)

    assert failure.value.release is None
    assert failure.value.message.startswith(
        "unable to build kubernetes objects from release manifest: Nothing/x: no matches for kind"
    )
    assert await stage.heads() == []


async def test_what_is_not_ours_is_left_alone_unless_ownership_is_taken(stage: Stage) -> None:
    foreign = config_map("settings", a="theirs")
    foreign["metadata"]["namespace"] = stage.namespace
    await stage.client.create(CONFIG_MAP, foreign)

    with pytest.raises(ActionFailed) as failure:
        await stage.install(config_map("settings", a="ours"), take_ownership=False)

    assert failure.value.message == (
        f'unable to continue with install: ConfigMap "settings" in namespace "{stage.namespace}" exists and '
        "cannot be imported into the current release: invalid ownership metadata; label validation error: "
        'missing key "app.kubernetes.io/managed-by": must be set to "Helm"; annotation validation error: '
        'missing key "meta.helm.sh/release-name": must be set to "web"; annotation validation error: '
        f'missing key "meta.helm.sh/release-namespace": must be set to "{stage.namespace}"'
    )
    await stage.install(config_map("settings", a="ours"))
    assert await stage.data("settings") == {"a": "ours"}


@pytest.mark.parametrize("server_side", [True, False], ids=["server-side", "client-side"])
async def test_how_objects_are_written_is_recorded(stage: Stage, server_side: bool) -> None:
    release = await stage.install(config_map("settings", a="1"), server_side=server_side)

    live = await stage.find("settings")
    assert live is not None
    operations = {entry["operation"] for entry in live["metadata"]["managedFields"]}
    assert (release.apply_method, operations) == (("ssa", {"Apply"}) if server_side else ("csa", {"Update"}))


async def test_a_name_in_use_is_refused_and_a_failed_one_replaced_on_request(stage: Stage) -> None:
    with pytest.raises(ActionFailed):
        await stage.install(deployment("web", **{FAIL: "CrashLoopBackOff"}), wait=waits(0.3))
    with pytest.raises(ActionFailed, match="cannot reuse a name that is still in use"):
        await stage.install(config_map("settings"))

    release = await stage.install(config_map("settings"), replace=True)

    assert release.version == 2
    assert await stage.heads() == ["v1 failed", "v2 deployed"]


async def test_the_namespace_is_created_on_request(stage: Stage) -> None:
    other = f"{stage.namespace}-made"
    stage.chart(config_map("settings"))
    content = stage.content()
    content = replace(content, render=replace(content.render, namespace=other))

    await install(stage.tools, Install(content, waits(), create_namespace=True))

    made = await stage.client.get(NAMESPACE, "", other)
    assert made["metadata"]["labels"]["name"] == other
    assert await stage.client.find(CONFIG_MAP, other, "settings") is not None
    await stage.client.delete(NAMESPACE, "", other)


async def test_without_waiting_an_unready_workload_is_a_success(stage: Stage) -> None:
    release = await stage.install(deployment("web", **{FAIL: "never-ready"}), wait=waits(ready=False))

    assert release.status is Status.DEPLOYED


@pytest.mark.parametrize("jobs", [True, False], ids=["waited for", "only started"])
async def test_jobs_of_the_chart(stage: Stage, jobs: bool) -> None:
    slow = job("work", pod={"localcluster.headwater.dev/finish-after": "600ms"})

    await stage.install(slow, wait=waits(jobs=jobs))

    live = await stage.find("work", JOB)
    assert live is not None
    assert bool(live["status"].get("succeeded")) is jobs


async def test_a_paused_deployment_is_not_waited_for(stage: Stage) -> None:
    paused = deployment("web", **{FAIL: "never-ready"})
    paused["spec"]["paused"] = True

    assert (await stage.install(paused)).status is Status.DEPLOYED


async def test_a_newer_spec_ends_the_wait(stage: Stage) -> None:
    cancel = asyncio.Event()
    task = asyncio.create_task(
        stage.install(deployment("web", **{FAIL: "never-ready"}), wait=waits(cancel=cancel))
    )
    await stage.until("web", DEPLOYMENT)
    cancel.set()

    with pytest.raises(Interrupted) as failure:
        await task
    assert failure.value.release is not None
    assert await stage.heads() == ["v1 failed"]


async def test_a_cancelled_action_leaves_its_last_words(stage: Stage) -> None:
    task = asyncio.create_task(stage.install(deployment("web", **{FAIL: "never-ready"})))
    await stage.until("web", DEPLOYMENT)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    last = await stage.storage.last()
    assert last is not None
    assert (last.status, last.info.description) == (Status.FAILED, 'Release "web" failed: interrupted')


async def test_a_hook_without_our_labels_is_seen_to_end(stage: Stage) -> None:
    stage.chart(hook(job("migrate"), "pre-install"))
    content = stage.content(post_render=PostRender(strategy=PostRenderStrategy.NO_HOOKS))

    release = await install(stage.tools, Install(content, waits(10)))

    assert release.status is Status.DEPLOYED


async def test_a_record_that_is_deleted_meanwhile_ends_the_action(stage: Stage) -> None:
    slow = hook(job("work", pod={"localcluster.headwater.dev/finish-after": "200ms"}), "pre-install")
    task = asyncio.create_task(stage.install(slow, hook(job("next"), "pre-install", weight=1)))
    await stage.until("work", JOB)
    await stage.storage.purge()

    with pytest.raises(ActionFailed, match="not found"):
        await task
    assert await stage.heads() == []
