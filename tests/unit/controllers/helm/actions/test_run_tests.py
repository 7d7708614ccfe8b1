from __future__ import annotations

import pytest

from controllers.helm.actions.errors import ActionFailed
from controllers.helm.actions.requests import RunTests, TestFilter
from controllers.helm.actions.run_tests import is_selected, run_tests
from controllers.helm.release.record import HookPhase
from shared.model.meta import Object
from tests.unit.controllers.helm.actions.stage import FAIL, Stage, config_map, hook, job, waits


def pod(name: str, **annotations: str) -> Object:
    spec = {"restartPolicy": "Never", "containers": [{"name": "probe", "image": "busybox"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations},
        "spec": spec,
    }


async def test_results_are_in_the_record(stage: Stage) -> None:
    await stage.install(
        config_map("settings"),
        hook(pod("probe", **{"localcluster.headwater.dev/finish-after": "100ms"}), "test"),
        hook(job("check"), "test-success"),
    )

    release = await run_tests(stage.tools, RunTests(waits()))

    assert {item.name: item.last_run.phase for item in release.hooks} == {
        "probe": HookPhase.SUCCEEDED,
        "check": HookPhase.SUCCEEDED,
    }
    assert release == await stage.storage.last()
    assert release.version == 1


async def test_a_failed_test_is_recorded_and_named(stage: Stage) -> None:
    await stage.install(hook(pod("probe", **{FAIL: "job-fails"}), "test"), hook(job("check"), "test"))

    with pytest.raises(ActionFailed, match=r"test hook Pod/probe .* failed: .*exit code") as failure:
        await run_tests(stage.tools, RunTests(waits()))

    last = await stage.storage.last()
    assert last == failure.value.release
    assert last is not None
    assert {item.name: item.last_run.phase for item in last.hooks} == {
        "probe": HookPhase.FAILED,
        "check": HookPhase.NEVER_RUN,
    }


async def test_a_test_that_may_not_be_created_is_a_failed_test(stage: Stage) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "no-pods"},
        "spec": {"hard": {"pods": "0"}},
    }
    await stage.install(quota, hook(pod("probe"), "test"))

    with pytest.raises(ActionFailed, match=r"Pod/.*/probe apply failed: .*exceeded quota"):
        await run_tests(stage.tools, RunTests(waits(5)))


async def test_only_selected_tests_run(stage: Stage) -> None:
    await stage.install(hook(job("one"), "test"), hook(job("two", pod={FAIL: "job-fails"}), "test"))

    release = await run_tests(stage.tools, RunTests(waits(), (TestFilter("two", exclude=True),)))

    assert [item.last_run.phase for item in release.hooks] == [HookPhase.SUCCEEDED, HookPhase.NEVER_RUN]


@pytest.mark.parametrize(
    ("name", "filters", "selected"),
    [
        pytest.param("a", (), True, id="no filter"),
        pytest.param("a", (TestFilter("a"),), True, id="included"),
        pytest.param("b", (TestFilter("a"),), False, id="another is included"),
        pytest.param("a", (TestFilter("a", exclude=True),), False, id="excluded"),
        pytest.param("b", (TestFilter("a", exclude=True),), True, id="another is excluded"),
        pytest.param("a", (TestFilter("a"), TestFilter("a", exclude=True)), False, id="exclusion wins"),
    ],
)
def test_filters(name: str, filters: tuple[TestFilter, ...], selected: bool) -> None:
    assert is_selected(name, filters) is selected
