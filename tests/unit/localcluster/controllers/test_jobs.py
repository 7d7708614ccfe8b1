"""Jobs and CronJobs, as who watches them sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.localcluster.controllers.conftest import Simulation
from tests.unit.localcluster.controllers.manifests import (
    CRON_JOB,
    JOB,
    POD,
    condition,
    job,
    make,
    template,
)


def ended(obj: dict[str, Any]) -> bool:
    return any(condition(obj, kind)["status"] == "True" for kind in ("Complete", "Failed"))


async def test_completes_when_enough_pods_have(simulation: Simulation) -> None:
    await simulation.api.create(job(completions=3, parallelism=2))

    done = await simulation.see(JOB, "once", ended)

    criteria, complete = condition(done, "SuccessCriteriaMet"), condition(done, "Complete")
    assert criteria["status"] == complete["status"] == "True"
    assert complete["reason"] == "CompletionsReached"
    assert {key: done["status"][key] for key in ("succeeded", "ready", "terminating")} == {
        "succeeded": 3,
        "ready": 0,
        "terminating": 0,
    }
    assert done["status"]["completionTime"] >= done["status"]["startTime"]
    assert [pod["status"]["phase"] for pod in await simulation.list(POD)] == ["Succeeded"] * 3


@pytest.mark.parametrize(("restart", "pods"), [("Never", 3), ("OnFailure", 0)])
async def test_fails_beyond_its_back_off_limit(simulation: Simulation, restart: str, pods: int) -> None:
    await simulation.api.create(job(annotations={"fail": "job-fails"}, restart=restart, backoffLimit=2))

    done = await simulation.see(JOB, "once", ended)

    failed = condition(done, "Failed")
    assert condition(done, "FailureTarget")["status"] == failed["status"] == "True"
    assert failed["reason"] == "BackoffLimitExceeded"
    assert len([pod for pod in await simulation.list(POD) if pod["status"]["phase"] == "Failed"]) == pods


async def test_fails_at_its_deadline(simulation: Simulation) -> None:
    await simulation.api.create(job(annotations={"finish_after": "never"}, activeDeadlineSeconds=1))

    done = await simulation.see(JOB, "once", ended)

    assert condition(done, "Failed")["reason"] == "DeadlineExceeded"


async def test_indexed_pods_are_told_their_index(simulation: Simulation) -> None:
    await simulation.api.create(job(completionMode="Indexed", completions=3, parallelism=3))

    done = await simulation.see(JOB, "once", ended)

    assert done["status"]["completedIndexes"] == "0-2"
    label = "batch.kubernetes.io/job-completion-index"
    pods = await simulation.list(POD)
    assert sorted(pod["metadata"]["labels"][label] for pod in pods) == ["0", "1", "2"]


async def test_suspended_it_has_no_pods_until_it_is_resumed(simulation: Simulation) -> None:
    await simulation.api.create(job(suspend=True))
    waiting = await simulation.see(JOB, "once", lambda obj: condition(obj, "Suspended")["status"] == "True")
    pods = await simulation.list(POD)

    await simulation.edit(JOB, "once", lambda obj: obj["spec"].update(suspend=False))
    done = await simulation.see(JOB, "once", ended)

    assert pods == []
    assert "startTime" not in waiting["status"]
    assert condition(done, "Suspended")["reason"] == "JobResumed"


async def test_is_removed_some_time_after_its_end(simulation: Simulation) -> None:
    await simulation.api.create(job(ttlSecondsAfterFinished=0))

    async def gone() -> bool:
        return not await simulation.list(JOB)

    await simulation.see(JOB, "once")
    await simulation.until(gone)


async def test_is_left_to_another_manager(simulation: Simulation) -> None:
    await simulation.api.create(job("theirs", managedBy="example.com/queue"))
    await simulation.api.create(job("ours"))
    await simulation.see(JOB, "ours", ended)

    assert "conditions" not in (await simulation.see(JOB, "theirs")).get("status", {})


def every_minute(**spec: Any) -> dict[str, Any]:
    wanted = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template(restartPolicy="Never")}}}
    return make(CRON_JOB, "tick", wanted | spec)


async def pretend_last_run(simulation: Simulation, ago: timedelta) -> None:
    tick = await simulation.see(CRON_JOB, "tick")
    tick["status"] = {"lastScheduleTime": (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")}
    await simulation.api.update_status(tick)


async def test_a_cron_job_makes_the_job_that_is_due(simulation: Simulation) -> None:
    await simulation.api.create(every_minute())
    await pretend_last_run(simulation, timedelta(minutes=5))

    tick = await simulation.see(CRON_JOB, "tick", lambda obj: "lastSuccessfulTime" in obj["status"])

    [made] = await simulation.list(JOB)
    due = datetime.fromisoformat(tick["status"]["lastScheduleTime"])
    assert made["metadata"]["name"] == f"tick-{int(due.timestamp()) // 60}"
    assert made["metadata"]["ownerReferences"][0]["uid"] == tick["metadata"]["uid"]
    assert datetime.now(UTC) - due < timedelta(minutes=2)
    assert "active" not in tick["status"]


@pytest.mark.parametrize("spec", [{"suspend": True}, {"startingDeadlineSeconds": 0}], ids=str)
async def test_a_cron_job_that_makes_none(simulation: Simulation, spec: dict[str, Any]) -> None:
    await simulation.api.create(every_minute(**spec))
    await pretend_last_run(simulation, timedelta(minutes=5))
    await simulation.api.create(job("meanwhile"))
    await simulation.see(JOB, "meanwhile", ended)

    assert await simulation.names(JOB) == ["meanwhile"]


async def test_a_cron_job_keeps_a_short_history(simulation: Simulation) -> None:
    await simulation.api.create(every_minute(successfulJobsHistoryLimit=0))
    await pretend_last_run(simulation, timedelta(minutes=5))
    await simulation.see(CRON_JOB, "tick", lambda obj: "lastSuccessfulTime" in obj["status"])

    async def gone() -> bool:
        return not await simulation.list(JOB)

    await simulation.until(gone)
