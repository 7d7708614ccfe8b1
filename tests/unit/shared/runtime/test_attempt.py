"""One attempt against a real API: what ends up in status, finalizers and events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from shared.kube.client import KubeClient
from shared.kube.errors import NotFound
from shared.logic.conditions import Summary
from shared.model.event import Event
from shared.model.kinds import GIT_REPOSITORY
from shared.model.meta import FINALIZER, REQUESTED_AT, Object
from shared.runtime.attempt import Attempt, Next
from shared.runtime.failure import Failure, Stalled, Waiting
from shared.runtime.kind import Kind
from shared.runtime.outcome import Done, Pending
from tests.e2e.conftest import CRD
from tests.e2e.processes import ROOT
from tests.e2e.world import condition
from tests.make import git_repository
from tests.status_laws import broken_laws

SUMMARY = Summary(
    ("FetchFailed", "ArtifactInStorage", "Stalled", "Reconciling"),
    frozenset({"FetchFailed", "Stalled", "Reconciling"}),
)


class Story:
    """A kind whose reconcile does what the test says; every event is kept."""

    def __init__(self, client: KubeClient, *, summary: Summary | None = None) -> None:
        self.client = client
        self.events: list[Event] = []
        self.finalized: list[str] = []
        self.act = None
        kind = Kind(
            GIT_REPOSITORY,
            lambda obj: obj["spec"]["url"],
            self._reconcile,
            self._finalize,
            "test-controller",
            summary,
        )
        self.attempt = Attempt(kind, client, self.events.append)

    async def run(self, obj: Object, act) -> Next:
        self.act = act
        return await self.attempt.run(obj)

    async def _reconcile(self, _value, report):
        return await self.act(report)

    async def _finalize(self, value, _report):
        self.finalized.append(value)


@pytest.fixture
async def story(client):
    path = next(ROOT.glob("deploy/crds/**/gitrepositories*.yaml"))
    crd = yaml.safe_load(path.read_text())
    await client.apply(CRD, crd, field_manager="tests")
    return Story(client)


@pytest.fixture
async def obj(story, client, namespace):
    made = git_repository(namespace=namespace)
    del made["metadata"]["uid"], made["metadata"]["resourceVersion"], made["metadata"]["generation"]
    return await client.create(GIT_REPOSITORY, made)


async def again(client: KubeClient, obj: Object) -> Object:
    return await client.get(GIT_REPOSITORY, obj["metadata"]["namespace"], obj["metadata"]["name"])


async def succeed(report):
    report.conditions.mark_true("Ready", "Succeeded", "all is well")
    return Done(timedelta(minutes=5))


async def test_success(story, client, obj):
    verdict = await story.run(obj, succeed)
    now = await again(client, obj)
    assert (verdict.after, verdict.jittered, verdict.failed) == (timedelta(minutes=5), True, False)
    assert now["metadata"]["finalizers"] == [FINALIZER]
    assert now["status"]["observedGeneration"] == 1
    assert condition(now, "Ready")["message"] == "all is well"
    assert broken_laws(now) == []


async def test_a_second_success_writes_nothing(story, client, obj):
    await story.run(obj, succeed)
    before = await again(client, obj)
    await story.run(before, succeed)
    assert (await again(client, obj))["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_a_failure_is_retried_and_leaves_the_generation(story, client, obj):
    async def fail(report):
        report.conditions.mark_reconciling("Progressing", "working")
        raise Failure("could not reach https://user:hunter2@host/", reason="Unreachable")

    verdict = await story.run(obj, fail)
    now = await again(client, obj)
    assert verdict.failed
    assert now["status"].get("observedGeneration", -1) == -1
    assert condition(now, "Reconciling")["reason"] == "ProgressingWithRetry"
    assert (condition(now, "Ready")["status"], condition(now, "Ready")["reason"]) == ("False", "Unreachable")
    assert "hunter2" not in str(now)
    assert "hunter2" not in str(story.events)
    assert [(e.type, e.reason) for e in story.events] == [("Warning", "Unreachable")]
    assert broken_laws(now) == []


async def test_a_stall_is_final(story, client, obj):
    async def stall(report):
        report.conditions.mark_reconciling("Progressing", "working")
        raise Stalled("the URL has no host", reason="URLInvalid")

    verdict = await story.run(obj, stall)
    now = await again(client, obj)
    assert verdict == Next("error", terminal=True)
    assert now["status"]["observedGeneration"] == 1
    assert condition(now, "Stalled")["reason"] == condition(now, "Ready")["reason"] == "URLInvalid"
    assert broken_laws(now) == []


async def test_waiting_says_so_and_comes_back(story, client, obj):
    async def wait(report):
        raise Waiting(
            "dependency 'a/b' is not ready", retry_in=timedelta(seconds=30), event="waiting for others"
        )

    verdict = await story.run(obj, wait)
    now = await again(client, obj)
    assert (verdict.after, verdict.jittered) == (timedelta(seconds=30), False)
    assert condition(now, "Ready")["reason"] == "DependencyNotReady"
    assert [(e.type, e.message) for e in story.events] == [("Normal", "waiting for others")]


async def test_pending_leaves_the_conditions_as_they_are(story, client, obj):
    async def pend(report):
        report.conditions.mark_reconciling("Progressing", "running health checks")
        report.conditions.mark_unknown("Ready", "Progressing", "in progress")
        return Pending(timedelta(seconds=5))

    verdict = await story.run(obj, pend)
    now = await again(client, obj)
    assert verdict.after == timedelta(seconds=5)
    assert condition(now, "Reconciling")["message"] == "running health checks"
    assert condition(now, "Ready")["status"] == "Unknown"


async def test_a_bug_becomes_a_condition_and_not_a_dead_process(story, client, obj):
    async def stumble(report):
        return {}["missing"]

    verdict = await story.run(obj, stumble)
    assert verdict.failed
    assert condition(await again(client, obj), "Ready")["reason"] == "InternalError"


async def test_a_spec_that_cannot_be_understood_stalls(client, story, obj):
    story.attempt = Attempt(
        Kind(GIT_REPOSITORY, lambda raw: raw["spec"]["nowhere"], story._reconcile, story._finalize, "t"),
        client,
        story.events.append,
    )
    await story.run(obj, succeed)
    now = await again(client, obj)
    assert (condition(now, "Stalled")["reason"], condition(now, "Ready")["message"]) == (
        "InvalidSpec",
        "invalid GitRepository: missing field 'nowhere'",
    )


async def test_a_summary_that_disagrees_calls_for_a_retry(client, story, obj):
    story = Story(client, summary=SUMMARY)

    async def half(report):
        report.conditions.mark_true("FetchFailed", "GitOperationFailed", "left over")
        return Done(timedelta(minutes=1))

    verdict = await story.run(obj, half)
    assert verdict.failed


async def test_the_request_is_acknowledged_even_while_suspended(story, client, obj):
    patch = {"metadata": {"annotations": {REQUESTED_AT: "now"}}, "spec": {"suspend": True}}
    obj = await client.patch(GIT_REPOSITORY, obj["metadata"]["namespace"], "repo", patch)
    await story.run(obj, succeed)
    now = await again(client, obj)
    assert now["status"]["lastHandledReconcileAt"] == "now"
    assert condition(now, "Ready") == {}


async def test_deletion_finalizes_and_lets_go(story, client, obj):
    await story.run(obj, succeed)
    await client.delete(GIT_REPOSITORY, obj["metadata"]["namespace"], "repo")
    verdict = await story.run(await again(client, obj), succeed)
    assert verdict.gone
    assert story.finalized == [obj["spec"]["url"]]
    with pytest.raises(NotFound):
        await again(client, obj)


async def test_an_object_that_vanishes_meanwhile_is_no_error(story, client, obj):
    async def vanish(report):
        namespace = obj["metadata"]["namespace"]
        await client.delete(GIT_REPOSITORY, namespace, "repo")
        await client.patch(GIT_REPOSITORY, namespace, "repo", {"metadata": {"finalizers": None}})
        return await succeed(report)

    assert (await story.run(obj, vanish)).gone


async def test_anothers_conditions_survive_and_ours_win_a_race(story, client, obj):
    theirs = {
        "type": "Theirs",
        "status": "True",
        "reason": "Here",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    stolen = theirs | {"type": "Ready", "status": "False", "reason": "Theft"}

    async def race(report):
        await client.patch(
            GIT_REPOSITORY,
            obj["metadata"]["namespace"],
            "repo",
            {"status": {"conditions": [theirs, stolen]}},
            subresource="status",
        )
        return await succeed(report)

    await story.run(obj, race)
    now = await again(client, obj)
    assert condition(now, "Theirs")["reason"] == "Here"
    assert condition(now, "Ready")["reason"] == "Succeeded"


async def test_what_needs_no_controller_is_let_go(story, obj, client) -> None:
    await story.run(obj, succeed)
    static = Attempt(replace(story.attempt._kind, is_static=lambda _obj: True), client, story.events.append)
    suspended = await client.patch(
        GIT_REPOSITORY, obj["metadata"]["namespace"], obj["metadata"]["name"], {"spec": {"suspend": True}}
    )
    assert await static.run(suspended) == Next("success")
    assert FINALIZER in (await again(client, obj))["metadata"]["finalizers"]

    awake = await client.patch(
        GIT_REPOSITORY, obj["metadata"]["namespace"], obj["metadata"]["name"], {"spec": {"suspend": False}}
    )
    assert await static.run(awake) == Next("success")
    after = await again(client, obj)
    assert FINALIZER not in (after["metadata"].get("finalizers") or [])
    assert not any(after["status"].values())
    assert story.finalized == [obj["spec"]["url"]]

    await static.run(after)
    assert (await again(client, obj))["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
