from __future__ import annotations

import asyncio

from aiohttp import web

from shared.kube.discovery import Discovery
from shared.kube.health import HealthCheck, HealthOptions, Outcome, Verdict
from shared.kube.tracker import Tracker
from shared.logic.health_exprs import HealthExpressions
from shared.model.kinds import CONFIG_MAP, Resource
from shared.model.meta import GroupKind, Object, ObjectRef
from tests.unit.shared.kube.conftest import Engine
from tests.unit.shared.kube.fake_api import Handler, fake_api

JOB = Resource("batch", "v1", "Job", "jobs")


def job(engine: Engine, name: str = "one") -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "c"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": engine.namespace},
        "spec": {
            "template": {"spec": pod},
            "ttlSecondsAfterFinished": 3600,
            "managedBy": "example.com/tests",
        },
    }


def ref(engine: Engine, name: str = "one") -> ObjectRef:
    return ObjectRef("batch/v1", "Job", engine.namespace, name)


def check(engine: Engine, *refs: ObjectRef, within: float = 60, **options: object) -> HealthCheck:
    return HealthCheck(
        engine.client,
        engine.discovery,
        engine.tracker,
        refs,
        HealthOptions(within, **options),  # type: ignore[arg-type]
    )


async def finish(engine: Engine, name: str, kind: str) -> None:
    more = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[kind]
    stamp = "2026-01-01T00:00:00Z"
    conditions = [
        {"type": item, "status": "True", "reason": "Tested", "lastTransitionTime": stamp}
        for item in (more, kind)
    ]
    status: Object = {"startTime": stamp, "conditions": conditions}
    if kind == "Complete":
        status |= {"completionTime": stamp, "succeeded": 1}
    await engine.client.patch(JOB, engine.namespace, name, {"status": status}, subresource="status")


async def decided(wait: HealthCheck, seconds: float = 10) -> Verdict:
    async with asyncio.timeout(seconds):
        while (verdict := await wait.evaluate()).outcome is Outcome.WAITING:
            await asyncio.sleep(0.05)
    return verdict


async def test_waits_without_asking_until_something_moves(engine: Engine) -> None:
    await engine.apply(job(engine))
    await engine.covered(GroupKind("batch", "Job"))
    wait = check(engine, ref(engine))
    assert (await wait.evaluate()).waiting == (ref(engine),)
    engine.count()
    for _ in range(20):
        assert (await wait.evaluate()).outcome is Outcome.WAITING
    assert engine.count() == {}, "nothing moved"
    await finish(engine, "one", "Complete")
    assert (await decided(wait)).outcome is Outcome.HEALTHY
    assert engine.count()["GET"] == 1


async def test_looking_at_health_does_not_hide_drift(engine: Engine) -> None:
    await engine.apply(job(engine))
    await engine.covered(GroupKind("batch", "Job"))
    await engine.edit("one", {"metadata": {"labels": {"theirs": "x"}}}, JOB)
    await check(engine, ref(engine)).evaluate()
    assert (await engine.drift()).ref == ref(engine)


async def test_a_failed_object_ends_the_wait_early(engine: Engine) -> None:
    await engine.apply(job(engine), job(engine, "two"))
    await finish(engine, "two", "Failed")
    verdict = await decided(check(engine, ref(engine), ref(engine, "two")))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.message == (
        f"failed early due to stalled resources: [Job/{engine.namespace}/one status: 'InProgress', "
        f"Job/{engine.namespace}/two status: 'Failed': Job Failed. failed: 0/1]"
    )


async def test_without_fail_fast_the_others_may_go_on(engine: Engine) -> None:
    await engine.apply(job(engine), job(engine, "two"))
    await finish(engine, "two", "Failed")
    wait = check(engine, ref(engine), ref(engine, "two"), fail_fast=False)
    assert (await wait.evaluate()).outcome is Outcome.WAITING
    await finish(engine, "one", "Complete")
    verdict = await decided(wait)
    assert (verdict.outcome, verdict.waiting) == (Outcome.FAILED, (ref(engine, "two"),))


async def test_the_deadline_names_what_is_missing(engine: Engine) -> None:
    alien = ObjectRef("no.such/v1", "Alien", "a", "x")
    verdict = await decided(check(engine, ref(engine, "lost"), alien, within=0.2))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.message == (
        f"timeout waiting for: [Job/{engine.namespace}/lost status: 'NotFound', Alien/a/x status: 'Unknown': "
        'no matches for kind "Alien" in version "no.such/v1"]'
    )


async def test_an_expired_job_is_done(engine: Engine) -> None:
    gone = ref(engine, "gone")
    wait = check(engine, gone, expiring=frozenset({gone}))
    assert (await wait.evaluate()).outcome is Outcome.HEALTHY


async def test_what_has_no_status_is_healthy_by_being_there(engine: Engine) -> None:
    changes = await engine.apply(engine.config_map("one"), engine.config_map("two"))
    await engine.covered(GroupKind("", "ConfigMap"))
    wait = check(engine, *changes.refs())
    assert (await wait.evaluate()).outcome is Outcome.HEALTHY
    assert engine.count() == {}
    await engine.client.delete(CONFIG_MAP, engine.namespace, "one")
    async with asyncio.timeout(5):
        while (await wait.evaluate()).outcome is Outcome.HEALTHY:
            await asyncio.sleep(0.02)
    assert (await wait.evaluate()).waiting == (changes.refs()[0],)


async def test_objects_of_others_are_polled(engine: Engine) -> None:
    await engine.client.create(JOB, job(engine))
    wait = check(engine, ref(engine))
    assert (await wait.evaluate()).outcome is Outcome.WAITING
    await finish(engine, "one", "Complete")
    assert (await decided(wait)).outcome is Outcome.HEALTHY


async def test_expressions_of_users_decide(engine: Engine) -> None:
    await engine.apply(engine.config_map("one", ready="no"))
    found = ObjectRef("v1", "ConfigMap", engine.namespace, "one")
    reader = HealthExpressions.parse(
        [{"apiVersion": "v1", "kind": "ConfigMap", "current": "data.ready == 'yes'"}]
    )
    wait = check(engine, found, reader=reader)
    assert (await wait.evaluate()).outcome is Outcome.WAITING
    await engine.apply(engine.config_map("one", ready="yes"))
    assert (await decided(wait)).outcome is Outcome.HEALTHY


REVISION = "deployment.kubernetes.io/revision"


def rollout_api(crashing: str) -> Handler:
    """A Deployment in its second revision, one pod of each, of which one crashes."""

    def pod(revision: str) -> Object:
        reason = "CrashLoopBackOff" if revision == crashing else "ContainerCreating"
        container = {"name": "c", "state": {"waiting": {"reason": reason}}}
        labels = {"pod-template-hash": f"hash{revision}"}
        status = {"phase": "Running", "containerStatuses": [container]}
        return {"metadata": {"name": f"p{revision}", "labels": labels}, "status": status}

    def replica_set(revision: str) -> Object:
        labels = {"pod-template-hash": f"hash{revision}"}
        return {"metadata": {"name": f"rs{revision}", "annotations": {REVISION: revision}, "labels": labels}}

    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "n",
            "uid": "u",
            "resourceVersion": "1",
            "annotations": {REVISION: "2"},
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    answers: dict[str, Object] = {
        "/apis/apps/v1": {"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]},
        "/apis/apps/v1/namespaces/n/deployments/web": deployment,
        "/apis/apps/v1/namespaces/n/replicasets": {"items": [replica_set("1"), replica_set("2")]},
        "/api/v1/namespaces/n/pods": {"items": [pod("1"), pod("2")]},
    }

    async def handler(request: web.Request) -> web.Response:
        if "limit" in request.query:
            assert request.query["labelSelector"] == "app=web"
        return web.json_response(answers[request.path])

    return handler


async def rollout(crashing: str) -> Verdict:
    async with fake_api(rollout_api(crashing)) as client:
        ref = ObjectRef("apps/v1", "Deployment", "n", "web")
        wait = HealthCheck(client, Discovery(client), Tracker(client), [ref], HealthOptions(within=60))
        return await wait.evaluate()


async def test_a_crashing_pod_fails_its_workload() -> None:
    verdict = await rollout(crashing="2")
    assert verdict.outcome is Outcome.FAILED
    assert verdict.message == (
        "failed early due to stalled resources: [Deployment/n/web status: 'Failed': "
        "Containers in CrashLoop state: c (Pod p2), Replicas: 0/1]"
    )


async def test_a_crashing_pod_of_an_older_revision_does_not() -> None:
    assert (await rollout(crashing="1")).outcome is Outcome.WAITING


async def test_nothing_to_wait_for_is_healthy(engine: Engine) -> None:
    assert (await check(engine).evaluate()).outcome is Outcome.HEALTHY
