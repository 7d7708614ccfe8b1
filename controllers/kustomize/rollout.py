"""The acts of one rollout on one cluster: apply, prune, wait (specs/kustomize.md 4).

The inventory grows before anything is applied and shrinks only when something is known to be gone, so
that a process which dies at any line leaves a record of all that it may own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog

from controllers.kustomize import stages
from controllers.kustomize.failures import HealthCheckFailed, PruneFailed, ReconciliationFailed
from controllers.kustomize.health import awaited, expiring_jobs
from controllers.kustomize.history import Attempted, origin_revision, with_attempt
from controllers.kustomize.memory import Remembered, Rollout
from controllers.kustomize.prune_guard import PruneGuard
from controllers.kustomize.stages import HEALTHY, Stage
from shared.kube.apply import ApplyOptions, refs_of
from shared.kube.apply_errors import ApplyFailed, StillSettling
from shared.kube.apply_object import Rules
from shared.kube.hands import Hands
from shared.kube.health import HealthCheck, HealthOptions, Verdict
from shared.kube.health import Outcome as HealthOutcome
from shared.logic.changes import ChangeSet
from shared.logic.drift_ignore import IgnoreRules
from shared.logic.inventory import InvalidEntry, Inventory
from shared.logic.owner import Owner
from shared.model.duration import render_duration
from shared.model.event import EventType
from shared.model.kustomize import Kustomization
from shared.model.meta import GroupKind, Object, ObjectRef, Reason
from shared.runtime.outcome import Done, Outcome, Pending
from shared.runtime.report import Report

log = structlog.get_logger()

# Changes of managed objects wake the waiting one at once; these are for what no watch covers.
_LOOK_AT_MANAGED = timedelta(seconds=5)
_LOOK_AT_OTHERS = timedelta(seconds=2)

# Definitions and classes are ready in a moment; who takes longer gives the worker back meanwhile.
_STAGE_PATIENCE = 2.0
PAUSE_BETWEEN_STAGES = timedelta(seconds=1)


# etcd takes 1.5 MiB for an object, of which the spec and the managed fields need their share.
_MAX_INVENTORY_BYTES = 1024 * 1024

_NO_GUARD = PruneGuard()


@dataclass(frozen=True, slots=True)
class RolloutOptions:
    """What the process was told by its flags."""

    override_managers: tuple[str, ...]
    custom_stage_kinds: frozenset[GroupKind]
    migrate_api_version: bool
    fail_fast: bool
    grouped_log: bool
    prune_guard: PruneGuard = _NO_GUARD


@dataclass(slots=True)
class Acts:
    """One attempt's view of a rollout; a new one is made for every attempt."""

    ks: Kustomization
    report: Report
    memory: Remembered
    rollout: Rollout
    hands: Hands
    options: RolloutOptions

    async def apply(self, objects: Sequence[Object], ignore: IgnoreRules) -> ChangeSet | None:
        """None while a stage is not ready yet: then apply again after `PAUSE_BETWEEN_STAGES`.

        Raises ReconciliationFailed; what was reached stays in the inventory.
        """
        report, before = self.report, self.inventory()
        report.status["inventory"] = self._recorded(Inventory.of(refs_of(objects)) | before)
        stages.enter(report, Stage.DETECTING, self.ks, self.rollout.artifact)
        if any(ref not in before for ref in refs_of(objects)):
            stages.mark_in_progress(report)
            await report.publish()
        rules = Rules(self.ks.force, ignore, self.options.override_managers, self.options.migrate_api_version)
        options = ApplyOptions(rules, self.options.custom_stage_kinds, _STAGE_PATIENCE)
        try:
            changes = await self.hands.applier.apply(objects, options, self.memory.applied)
        except StillSettling as error:
            self._tell_changes(error.changes)
            return None
        except ApplyFailed as error:
            self.record(ReconciliationFailed.reason)
            self._tell_changes(error.changes)
            raise self.failure(ReconciliationFailed, error.render()) from error
        self._tell_changes(changes)
        return changes

    def adopt(self) -> Done:
        """The new revision holds nothing new for this Kustomization: what is applied is of it, too."""
        previous = self.memory.build
        self.rollout.health = self.memory.health
        if previous is not None:
            self.memory.build = replace(previous, inputs=self.rollout.inputs)
            self.rollout.digest = previous.digest
        return self._succeed()

    async def prune(self, changes: ChangeSet) -> None:
        """Drop from the inventory what left git, once it is gone. Raises PruneFailed."""
        applied, recorded = Inventory.of(changes.refs()), self.inventory()
        stale = recorded - applied
        survivors: list[ObjectRef] = []
        failure = ""
        if self.ks.prune:
            failure = self.options.prune_guard.objection(list(stale), len(recorded), self.report.obj)
        if failure:
            survivors = list(stale)
        elif self.ks.prune and len(stale):
            result = await self.hands.pruner.prune(stale, Owner(self.ks.namespace, self.ks.name))
            survivors, failure = result.survivors, result.failure
            self.rollout.wrote = True
            if len(result.changes):
                log.info("garbage collection completed", output=_output(result.changes))
                stages.tell(self.report, result.changes.render(), self.rollout.artifact)
        self.report.status["inventory"] = (applied | Inventory.of(survivors)).render()
        if failure:
            self.record(PruneFailed.reason)
            raise self.failure(PruneFailed, failure)

    def watch_health(self, changes: ChangeSet, objects: Sequence[Object]) -> None:
        """Begin a health check, if one is asked for."""
        refs = awaited(self.ks, changes)
        if not refs:
            self.report.conditions.delete(HEALTHY)
            return
        options = HealthOptions(
            within=self.ks.timeout.total_seconds(),
            fail_fast=self.options.fail_fast,
            expiring=expiring_jobs(objects),
            reader=self.rollout.reader,
        )
        hands = self.hands
        self.rollout.health = HealthCheck(hands.client, hands.discovery, hands.tracker, refs, options)

    async def await_health(self) -> Outcome:
        """Look once; Pending while it is undecided. Raises HealthCheckFailed."""
        check = self.rollout.health
        if check is None:
            return self._succeed()
        verdict = await check.evaluate()
        match verdict.outcome:
            case HealthOutcome.WAITING:
                return self._wait(check)
            case HealthOutcome.FAILED:
                self._fail_health(check, verdict)
        self._pass_health(check)
        return self._succeed()

    def _wait(self, check: HealthCheck) -> Pending:
        message = stages.enter(self.report, Stage.CHECKING, self.ks, self.rollout.artifact)
        self.report.conditions.mark_unknown(HEALTHY, Reason.PROGRESSING, message)
        stages.mark_in_progress(self.report)
        self.memory.waiting = self.rollout
        left = self.ks.timeout - timedelta(seconds=check.elapsed)
        pause = _LOOK_AT_MANAGED if self.ks.wait else _LOOK_AT_OTHERS
        return Pending(max(min(pause, left), timedelta(milliseconds=50)))

    def _fail_health(self, check: HealthCheck, verdict: Verdict) -> None:
        self.memory.waiting = None
        took = render_duration(timedelta(seconds=round(check.elapsed, 3)))
        self.report.conditions.mark_false(HEALTHY, HealthCheckFailed.reason, verdict.message)
        self.record(HealthCheckFailed.reason)
        raise self.failure(HealthCheckFailed, f"health check failed after {took}: {verdict.message}")

    def _pass_health(self, check: HealthCheck) -> None:
        was_healthy = self.report.before.is_true(HEALTHY)
        if was_healthy and not self.rollout.visible:
            return
        took = render_duration(timedelta(seconds=round(check.elapsed, 3)))
        message = f"Health check passed in {took}"
        self.report.conditions.mark_true(HEALTHY, Reason.SUCCEEDED, message)
        if not was_healthy or self.rollout.wrote:
            stages.tell(self.report, message, self.rollout.artifact)

    def _succeed(self) -> Done:
        ks, report, memory, rollout = self.ks, self.report, self.memory, self.rollout
        memory.waiting = None
        memory.last, memory.health, memory.checked = rollout.inputs, rollout.health, report.now
        stages.mark_succeeded(report, rollout.artifact)
        if rollout.visible or rollout.wrote:
            self.record(stages.SUCCEEDED)
            report.status["lastAppliedRevision"] = rollout.artifact.revision
            origin = origin_revision(rollout.artifact)
            if origin:
                report.status["lastAppliedOriginRevision"] = origin
            else:
                report.status.pop("lastAppliedOriginRevision", None)
            took = datetime.now(UTC) - rollout.began
            log.info(
                "reconciliation finished", revision=rollout.artifact.revision, seconds=took.total_seconds()
            )
            stages.tell_finished(report, ks, rollout.artifact, took)
        return Done(ks.interval)

    def inventory(self) -> Inventory:
        """What the status says is ours. Raises ReconciliationFailed when it cannot be read."""
        try:
            return Inventory.parse(self.report.status.get("inventory"))
        except InvalidEntry as error:
            raise self.failure(ReconciliationFailed, str(error)) from error

    def _recorded(self, inventory: Inventory) -> Object:
        """As it is written. What cannot be recorded must not be applied: nobody could ever delete it."""
        rendered = inventory.render()
        size = len(orjson.dumps(rendered))
        if size > _MAX_INVENTORY_BYTES:
            self.record(ReconciliationFailed.reason)
            raise self.failure(
                ReconciliationFailed,
                f"the inventory of {len(inventory)} objects takes {size >> 10} KiB, more than the "
                f"{_MAX_INVENTORY_BYTES >> 10} KiB that a status can hold: divide this Kustomization",
            )
        return rendered

    def record(self, status: str) -> None:
        """Put this attempt into the history."""
        now = datetime.now(UTC)
        attempted = Attempted(
            self.rollout.digest, status, self.rollout.artifact, now, now - self.rollout.began
        )
        self.report.status["history"] = with_attempt(self.report.status.get("history") or [], attempted)

    def failure(self, kind: type[Any], message: str) -> Exception:
        """A failure of this rollout: retried after spec.retryInterval, told with its revision."""
        failed: Exception = kind(
            message,
            retry_in=self.ks.retry_interval,
            metadata=stages.revision_metadata(self.rollout.artifact),
        )
        return failed

    def _tell_changes(self, changes: ChangeSet) -> None:
        if changes.writes:
            self.rollout.wrote = True
            log.info("server-side apply completed", output=self._rendered(changes))
            stages.tell(self.report, changes.render_writes(), self.rollout.artifact)
            self._tell_fights(changes)

    def _tell_fights(self, changes: ChangeSet) -> None:
        """Say so when somebody else keeps undoing what we write."""
        fought = {fight.key for fight in self.hands.tracker.fights()}
        for ref in (entry.ref for entry in changes.writes if (entry.ref.group_kind, entry.ref.key) in fought):
            message = f"{ref} is changed back by somebody else again and again; it is repaired less often now"
            log.error("drift keeps coming back", object=str(ref))
            self.report.tell(EventType.WARNING, "DriftFight", message)

    def _rendered(self, changes: ChangeSet) -> object:
        return changes.render_grouped() if self.options.grouped_log else _output(changes)


def _output(changes: ChangeSet) -> dict[str, str]:
    return {str(entry.ref): str(entry.action) for entry in changes}
