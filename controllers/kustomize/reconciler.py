"""Make a cluster look like one Kustomization: find, fetch, build, apply, prune, wait.

Nothing here catches: shared.runtime.attempt turns a Failure into conditions, an event, a metric and the
next try. Waiting for health holds no worker: the attempt ends as Pending, and the next one goes on where
the memory says (specs/kustomize.md 2, 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from controllers.kustomize import stages
from controllers.kustomize.acting import actor_of, hands_of
from controllers.kustomize.decide import Inputs, Situation, Step, decide
from controllers.kustomize.dependencies import Dependencies
from controllers.kustomize.failures import ReconciliationFailed
from controllers.kustomize.finalize import prune_all
from controllers.kustomize.health import reader_of
from controllers.kustomize.memory import Memories, Remembered, Rollout
from controllers.kustomize.obtain import Obtain
from controllers.kustomize.rollout import PAUSE_BETWEEN_STAGES, Acts, RolloutOptions
from controllers.kustomize.sources import Sources
from controllers.kustomize.stages import Stage
from controllers.kustomize.support import require_enabled
from controllers.kustomize.variables import Variables, gather
from shared.kube.client import KubeClient
from shared.kube.crew import Crew
from shared.kube.health import Outcome as HealthOutcome
from shared.logic.drift_ignore import IgnoreRules, InvalidIgnoreRule
from shared.logic.manifest import UnusableManifest, prepare
from shared.logic.owner import Owner
from shared.model.artifact import Artifact
from shared.model.event import EventType
from shared.model.kustomize import Kustomization
from shared.model.meta import Object
from shared.runtime.outcome import Done, Outcome, Pending
from shared.runtime.report import Report

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What a reconcile works with; `client` is the controller's own identity in its own cluster."""

    client: KubeClient
    sources: Sources
    dependencies: Dependencies
    obtain: Obtain
    crew: Crew
    memories: Memories
    gates: Mapping[str, bool]
    options: RolloutOptions
    full_check: timedelta


class Reconciler:
    """`reconcile` and `finalize` of Kustomization."""

    def __init__(self, deps: Collaborators) -> None:
        self._deps = deps

    async def reconcile(self, ks: Kustomization, report: Report) -> Outcome:
        deps, memory = self._deps, self._deps.memories.of(ks.key)
        reader = reader_of(ks)
        require_enabled(ks, deps.gates)
        artifact = await deps.sources.artifact(ks)
        if self._still_waits(ks, report, memory, artifact):
            return await (await self._acts(ks, report, memory, memory.waiting)).await_health()
        await deps.dependencies.require_ready(ks, report.obj, artifact)
        variables = await gather(ks, deps.client, artifact)
        inputs = Inputs.of(ks, artifact, variables.digest)
        step = await self._step(inputs, report, memory)
        if step is Step.NOTHING:
            return Done(ks.interval)
        rollout = self._new_rollout(inputs, artifact, report, step)
        rollout.reader = reader
        return await self._roll_out(ks, report, rollout, variables)

    async def finalize(self, ks: Kustomization, report: Report) -> None:
        """Delete the objects, if the spec says so and the identity for it still exists."""
        if ks.suspend or not ks.deletes_objects or not report.status.get("inventory"):
            return
        if not await self._deps.crew.can_act(actor_of(ks)):
            entries = "\n".join(item["id"] for item in report.status["inventory"].get("entries") or ())
            report.tell(EventType.WARNING, "PruneFailed", f"unable to prune objects: \n{entries}")
            return
        hands = await hands_of(ks, self._deps.crew)
        await prune_all(ks, report, self._deps.memories.of(ks.key), hands)

    def _still_waits(self, ks: Kustomization, report: Report, memory: Remembered, artifact: Artifact) -> bool:
        """The quick way for an object that is woken only to look at its health again."""
        waiting = memory.waiting
        if waiting is None or report.is_requested or memory.drifted:
            return False
        now = Inputs(ks.generation, artifact.revision, artifact.digest, waiting.inputs.variables)
        return waiting.inputs == now

    async def _step(self, inputs: Inputs, report: Report, memory: Remembered) -> Step:
        healthy = memory.health is None or (await memory.health.evaluate()).outcome is HealthOutcome.HEALTHY
        situation = Situation(
            now=inputs,
            last=memory.last,
            waiting_for=memory.waiting.inputs if memory.waiting else None,
            ready=report.before.ready,
            requested=report.is_requested,
            drifted=bool(memory.drifted),
            full_check_due=memory.checked is None or report.now - memory.checked > self._deps.full_check,
            healthy=healthy,
            lasting=memory.build is None or memory.build.lasting,
        )
        return decide(situation)

    def _new_rollout(self, inputs: Inputs, artifact: Artifact, report: Report, step: Step) -> Rollout:
        news = (
            report.is_requested
            or report.is_new_generation
            or not report.before.ready
            or artifact.revision != report.status.get("lastAppliedRevision")
            or step is Step.LOOK
        )
        return Rollout(inputs, artifact, datetime.now(UTC), step, news, report.is_requested)

    async def _roll_out(
        self, ks: Kustomization, report: Report, rollout: Rollout, variables: Variables
    ) -> Outcome:
        memory = self._deps.memories.of(ks.key)
        acts = await self._acts(ks, report, memory, rollout)
        self._give_up_waiting(ks, report, rollout, memory)
        stages.enter(report, Stage.FETCHING, ks, rollout.artifact)
        if report.is_requested or report.is_new_generation or not report.before.ready:
            stages.mark_in_progress(report)
            await report.publish()
        built = await self._deps.obtain.manifests(ks, report, rollout, memory, variables)
        if built is None:
            return acts.adopt()
        memory.health = None
        memory.drifted.clear()
        rollout.digest = built.digest
        objects, ignore = _prepared(ks, built.objects, acts)
        changes = await acts.apply(objects, ignore)
        if changes is None:
            return Pending(PAUSE_BETWEEN_STAGES)
        await acts.prune(changes)
        acts.watch_health(changes, objects)
        return await acts.await_health()

    def _give_up_waiting(
        self, ks: Kustomization, report: Report, rollout: Rollout, memory: Remembered
    ) -> None:
        """What waited for its health is given up for the new rollout; a request spares nothing."""
        if memory.waiting is not None and memory.waiting.inputs != rollout.inputs:
            moved = not memory.waiting.inputs.same_artifact(rollout.inputs)
            trigger = ks.source if moved else f"Kustomization/{ks.key}"
            message = f"Health checks canceled due to new reconciliation triggered by {trigger}"
            report.tell(EventType.NORMAL, "HealthCheckCanceled", message)
        memory.waiting = None
        if rollout.requested:
            memory.applied.forget_all()

    async def _acts(
        self, ks: Kustomization, report: Report, memory: Remembered, rollout: Rollout | None
    ) -> Acts:
        assert rollout is not None
        return Acts(ks, report, memory, rollout, await hands_of(ks, self._deps.crew), self._deps.options)


def _prepared(ks: Kustomization, objects: list[Object], acts: Acts) -> tuple[list[Object], IgnoreRules]:
    """Manifests with owner labels and common metadata. Raises ReconciliationFailed."""
    common = ks.common_metadata
    try:
        prepared = prepare(
            objects, Owner(ks.namespace, ks.name), labels=common.labels, annotations=common.annotations
        )
        return prepared, IgnoreRules.parse(ks.ignore)
    except (UnusableManifest, InvalidIgnoreRule) as error:
        acts.record(ReconciliationFailed.reason)
        raise acts.failure(ReconciliationFailed, str(error)) from error
