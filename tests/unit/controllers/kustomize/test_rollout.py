"""The acts of a rollout on a real API server: what the record says at every step, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.kustomize.decide import Inputs, Step
from controllers.kustomize.failures import HealthCheckFailed, PruneFailed, ReconciliationFailed
from controllers.kustomize.finalize import prune_all
from controllers.kustomize.memory import Remembered, Rollout
from controllers.kustomize.prune_guard import PruneGuard
from controllers.kustomize.rollout import Acts, RolloutOptions
from shared.kube.client import Identity, KubeClient
from shared.kube.discovery import Discovery
from shared.kube.hands import Grip, Hands
from shared.kube.memory import Memory
from shared.kube.tracker import Tracker
from shared.logic.drift_ignore import IgnoreRules
from shared.logic.manifest import prepare
from shared.logic.owner import Owner
from shared.model.artifact import Artifact
from shared.model.event import Event
from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION, Resource
from shared.model.kustomize import FIELD_MANAGER, STATUS_MANAGER, Kustomization
from shared.model.meta import READY, RECONCILING, STALLED, Object
from shared.runtime.failure import Failure, Waiting
from shared.runtime.outcome import Done, Pending
from shared.runtime.report import Report
from shared.runtime.status import StatusWriter
from tests import make

CRDS = Path(__file__).parents[4] / "deploy/crds"
CRD = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
IGNORE = IgnoreRules.parse(())
OPTIONS = RolloutOptions((), frozenset(), migrate_api_version=False, fail_fast=True, grouped_log=False)
REVISION = "kustomize.toolkit.fluxcd.io/revision"


@dataclass
class Stage:
    """A Kustomization that exists, and acts on its behalf."""

    client: KubeClient
    namespace: str
    hands: Hands
    obj: Object
    events: list[Event] = field(default_factory=list)
    memory: Remembered | None = None

    def acts(self, revision: str = "r1", *, options: RolloutOptions = OPTIONS) -> Acts:
        ks = Kustomization.parse(self.obj)
        artifact = Artifact("http://x", "x", revision, f"sha256:{revision}")
        writer = StatusWriter(
            self.client, KUSTOMIZATION, STATUS_MANAGER, frozenset({READY, RECONCILING, STALLED})
        )
        report = Report(self.obj, writer=writer, tell=self.events.append, now=make.NOW)
        self.memory = self.memory or Remembered(Memory(ks.key))
        inputs = Inputs.of(ks, artifact, "")
        rollout = Rollout(inputs, artifact, make.NOW, Step.APPLY, visible=True, requested=False, digest="d")
        return Acts(ks, report, self.memory, rollout, self.hands, options)

    async def change(self, **spec: Any) -> None:
        self.obj = await self.client.patch(KUSTOMIZATION, self.namespace, "web", {"spec": spec})

    def prepared(self, *names: str) -> list[Object]:
        objects = [make.config_map(name, self.namespace, key="1") for name in names]
        return prepare(objects, Owner(self.namespace, "web"), labels={}, annotations={})

    async def exists(self, name: str) -> bool:
        return await self.client.find(CONFIG_MAP, self.namespace, name) is not None

    async def run(self, acts: Acts, *names: str) -> Done | Pending:
        """As the reconciler goes; what the status says is taken over for the next attempt."""
        objects = self.prepared(*names)
        try:
            changes = await acts.apply(objects, IGNORE)
            assert changes is not None
            await acts.prune(changes)
            acts.watch_health(changes, objects)
            return await acts.await_health()
        finally:
            await acts.report.publish()
            self.obj = acts.report.obj

    def inventory(self) -> set[str]:
        return {entry["id"].split("_")[1] for entry in self.obj["status"]["inventory"]["entries"]}


@pytest.fixture
async def stage(management: KubeClient, namespace: str) -> Stage:
    for path in (CRDS / "kustomize").glob("*toolkit*.yaml"):
        await management.apply(CRD, yaml.safe_load(path.read_text()), field_manager="tests")
    discovery, tracker = Discovery(management), Tracker(management)
    given = make.kustomization(namespace=namespace, retryInterval="7s", timeout="30s")
    given["metadata"] = {"name": "web", "namespace": namespace}
    obj = await management.create(KUSTOMIZATION, given)
    return Stage(management, namespace, Hands.on(management, discovery, tracker, Grip(FIELD_MANAGER)), obj)


async def test_a_rollout_ends_with_all_that_it_says(stage: Stage) -> None:
    outcome = await stage.run(stage.acts(), "a", "b")
    assert outcome == Done(timedelta(minutes=10))
    status = stage.obj["status"]
    assert stage.inventory() == {"a", "b"}
    assert status["lastAppliedRevision"] == "r1"
    assert status["history"][0]["lastReconciledStatus"] == "ReconciliationSucceeded"
    assert [event.reason for event in stage.events] == ["Progressing", "ReconciliationSucceeded"]
    assert stage.events[0].metadata[REVISION] == "r1"


async def test_what_left_git_is_deleted_and_a_second_time_nothing_is_written(stage: Stage) -> None:
    await stage.run(stage.acts(), "a", "b")
    acts = stage.acts("r2")
    await stage.run(acts, "a")
    assert stage.inventory() == {"a"}
    assert not await stage.exists("b")
    assert acts.rollout.wrote
    acts = stage.acts("r3")
    await stage.run(acts, "a")
    assert not acts.rollout.wrote


async def test_without_prune_an_object_is_forgotten_and_left(stage: Stage) -> None:
    await stage.change(prune=False)
    await stage.run(stage.acts(), "a", "b")
    await stage.run(stage.acts("r2"), "a")
    assert stage.inventory() == {"a"}
    assert await stage.exists("b")


async def test_a_guarded_prune_keeps_the_record_and_fails_with_the_revision(stage: Stage) -> None:
    await stage.run(stage.acts(), "a", "b", "c")
    guarded = RolloutOptions((), frozenset(), False, True, False, PruneGuard(percent=30))
    with pytest.raises(PruneFailed) as failed:
        await stage.run(stage.acts("r2", options=guarded), "a")
    assert stage.inventory() == {"a", "b", "c"}
    assert failed.value.metadata[REVISION] == "r2"
    assert failed.value.retry_in == timedelta(seconds=7)
    assert stage.obj["status"]["history"][0]["lastReconciledStatus"] == "PruneFailed"


async def test_what_is_refused_stays_on_record_beside_what_was_there(stage: Stage) -> None:
    await stage.run(stage.acts(), "a")
    with pytest.raises(ReconciliationFailed, match=r"Bad\.NAME") as failed:
        await stage.run(stage.acts("r2"), "a", "Bad.NAME")
    assert failed.value.metadata[REVISION] == "r2"
    assert "a" in stage.inventory()
    assert stage.obj["status"]["lastAppliedRevision"] == "r1"


async def test_an_inventory_that_cannot_be_read_is_a_failure_and_not_an_empty_one(stage: Stage) -> None:
    await stage.run(stage.acts(), "a")
    stage.obj["status"]["inventory"]["entries"] = [{"id": "nonsense", "v": "v1"}]
    with pytest.raises(ReconciliationFailed, match="nonsense"):
        await stage.acts().apply(stage.prepared("a"), IGNORE)


async def test_waiting_for_health_holds_nothing_and_ends_in_time(stage: Stage) -> None:
    missing = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "namespace": stage.namespace}
    await stage.change(healthChecks=[missing])
    acts = stage.acts()
    assert isinstance(await stage.run(acts, "a"), Pending)
    assert stage.memory is not None
    assert stage.memory.waiting is acts.rollout
    assert acts.report.conditions.find("Healthy").status == "Unknown"
    assert acts.rollout.health is not None
    acts.rollout.health._started -= 60
    with pytest.raises(HealthCheckFailed, match="timeout waiting for"):
        await acts.await_health()
    assert stage.memory.waiting is None


async def finalized(stage: Stage, *, now_later: timedelta = timedelta(0)) -> None:
    acts = stage.acts()
    acts.report.now += now_later
    await prune_all(acts.ks, acts.report, acts.memory, stage.hands)


async def test_the_end_of_a_kustomization_is_the_end_of_its_objects(stage: Stage) -> None:
    await stage.run(stage.acts(), "a", "b")
    stage.events.clear()
    await finalized(stage)
    assert not await stage.exists("a")
    assert [event.message.count("deleted") for event in stage.events] == [2]


async def hold(stage: Stage, finalizers: list[str] | None) -> None:
    await stage.client.patch(CONFIG_MAP, stage.namespace, "a", {"metadata": {"finalizers": finalizers}})


async def test_termination_is_awaited_without_a_worker_and_not_for_ever(stage: Stage) -> None:
    await stage.change(deletionPolicy="WaitForTermination")
    await stage.run(stage.acts(), "a")
    await hold(stage, ["headwater.test/hold"])
    stage.events.clear()
    for _ in range(2):
        with pytest.raises(Waiting, match="1 objects are terminating") as waiting:
            await finalized(stage)
        assert waiting.value.quiet
    assert len(stage.events) == 1, "the deletion is told once"
    await finalized(stage, now_later=timedelta(seconds=31))
    assert stage.events[-1].message == "failed to wait for resources termination"
    await hold(stage, None)
    await finalized(stage)


async def test_a_record_that_cannot_be_read_does_not_hold_the_object_for_ever(stage: Stage) -> None:
    await stage.run(stage.acts(), "a")
    stage.obj["status"]["inventory"]["entries"] = [{"id": "nonsense", "v": "v1"}]
    await finalized(stage)
    assert "nonsense" in stage.events[-1].message
    assert await stage.exists("a")


async def test_a_deletion_that_fails_is_tried_again(stage: Stage) -> None:
    nobody = Identity.service_account(stage.namespace, "nobody")
    await stage.run(stage.acts(), "a")
    client = stage.client.impersonating(nobody)
    stage.hands = Hands.on(client, stage.hands.discovery, stage.hands.tracker, Grip(FIELD_MANAGER))
    with pytest.raises(
        Failure, match="pruning for deleted resource failed: delete failed, errors: ConfigMap"
    ):
        await finalized(stage)
    assert await stage.exists("a")
