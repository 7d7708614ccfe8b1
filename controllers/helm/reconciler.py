"""Keep one Helm release as a HelmRelease describes it (specs/helm.md 5, 17).

Nothing here catches what attempt.py turns into conditions, events and the next try. Waiting for the
cluster inside of an action holds no turn; a new spec or chart ends the wait.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from controllers.helm import conditions
from controllers.helm.acting import can_uninstall, hands_of
from controllers.helm.actions.toolbox import Renderer, Tools
from controllers.helm.failures import ClusterFailed, StateUnusable
from controllers.helm.loop import Loop
from controllers.helm.memory import Inputs, Interruption, Memories, Remembered
from controllers.helm.prepare import Preparation, reader_of, require_one_chart
from controllers.helm.recording import Written
from controllers.helm.release.record import Release
from controllers.helm.release.storage import Storage
from controllers.helm.requests import take_reset
from controllers.helm.session import Plan, ReleaseOptions, Session, clear_counters
from controllers.helm.snapshots import History, Snapshot
from controllers.helm.storage_state import storage_state
from controllers.helm.telling import StageLog
from controllers.helm.uninstalling import forget_release, uninstall_current
from shared.kube.crew import Crew
from shared.kube.discovery import Discovery
from shared.kube.errors import KubeError
from shared.kube.hands import Hands
from shared.model.event import EventType
from shared.model.helm import HelmRelease
from shared.model.helm_actions import DriftMode
from shared.model.meta import READY, STALLED
from shared.runtime.outcome import Done, Outcome, Pending
from shared.runtime.report import Report

log = structlog.get_logger()

_AT_ONCE = timedelta(0)
LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What a reconcile works with; `aside` is for waits of actions."""

    preparation: Preparation
    crew: Crew
    memories: Memories
    engine: Renderer
    options: ReleaseOptions
    full_check: timedelta
    aside: Callable[[], AbstractAsyncContextManager[None]]


class Reconciler:
    """`reconcile` and `finalize` of HelmRelease."""

    def __init__(self, deps: Collaborators) -> None:
        self._deps = deps

    async def reconcile(self, hr: HelmRelease, report: Report) -> Outcome:
        memory = self._deps.memories.of(hr.key)
        # From here on, whatever comes after what we were given is heard.
        memory.interruption = Interruption()
        try:
            return await self._reconcile(hr, report, memory, memory.interruption)
        finally:
            memory.interruption = None

    async def _reconcile(
        self, hr: HelmRelease, report: Report, memory: Remembered, interruption: Interruption
    ) -> Outcome:
        deps = self._deps
        require_one_chart(hr)
        reader = reader_of(hr)
        if hr.rollback.recreate:
            log.warning("spec.rollback.recreate has no effect")
        conditions.begin(report)
        plan = await deps.preparation.plan(hr, report)
        hands = await hands_of(hr, deps.crew)
        conditions.passed(report, ClusterFailed.reason)
        inputs = await self._inputs(hr, plan, hands)
        if self._is_settled(hr, report, memory, inputs):
            report.conditions.delete("Reconciling")
            return Done(hr.interval)
        if await self._moved(hr, report, plan, hands):
            return Pending(_AT_ONCE)
        if interruption.event.is_set():
            return Pending(_AT_ONCE)
        note_attempt(hr, report, plan)
        written, stages = Written(), StageLog()
        tools = self._tools(hr, hands, (hr.storage_namespace, hr.short_name), written.note, stages)
        session = Session(
            hr=hr,
            report=report,
            plan=plan,
            tools=tools,
            charts=deps.preparation.charts,
            memory=memory,
            options=deps.options,
            written=written,
            log=stages,
            reader=reader if hr.wait_strategy != LEGACY else None,
            interruption=interruption,
        )
        return await self._run(session, inputs)

    async def finalize(self, hr: HelmRelease, report: Report) -> None:
        """Uninstall, if the identity for it still exists. Raises Failure to be called again."""
        if hr.suspend:
            return
        namespace = str(report.status.get("storageNamespace") or "")
        latest = History.parse(report.status.get("history")).latest
        if namespace and latest is not None and await can_uninstall(hr, self._deps.crew):
            hands = await hands_of(hr, self._deps.crew)
            await uninstall_current(hr, report, self._tools(hr, hands, (namespace, latest.name)))
        await self._deps.preparation.templates.delete(hr, report)
        forget_release(report)

    async def _inputs(self, hr: HelmRelease, plan: Plan, hands: Hands) -> Inputs | None:
        """None where the records cannot be listed: the loop will say so."""
        try:
            stored = await storage_state(hands.client, hr.storage_namespace, hr.short_name)
        except KubeError:
            return None
        return Inputs(hr.generation, plan.artifact.digest, plan.values_digest, stored)

    def _is_settled(self, hr: HelmRelease, report: Report, memory: Remembered, inputs: Inputs | None) -> bool:
        """Only the time has passed. Where drift is looked for, its own memory spares what can be spared."""
        return (
            inputs is not None
            and hr.drift.mode is DriftMode.DISABLED
            and not report.is_requested
            and report.before.ready
            and memory.is_settled(inputs, report.now, self._deps.full_check)
        )

    async def _run(self, session: Session, inputs: Inputs | None) -> Outcome:
        memory, report, hr = session.memory, session.report, session.hr
        memory.settled = None
        loop = Loop(session)
        try:
            outcome = await loop.run()
        except StateUnusable as problem:
            return _unusable(hr, report, problem)
        if isinstance(outcome, Done) and not loop.took_steps:
            memory.settled, memory.checked = inputs, report.now
        return outcome

    async def _moved(self, hr: HelmRelease, report: Report, plan: Plan, hands: Hands) -> bool:
        """Is the release to be elsewhere, or of another name? Then the old one is gone now."""
        namespace = str(report.status.get("storageNamespace") or "")
        latest = History.parse(report.status.get("history")).latest
        if not namespace or latest is None:
            return False
        reason = why_moved(hr, namespace, latest, plan.chart_name)
        if not reason:
            return False
        log.info("uninstalling the release, because its target changed", reason=reason)
        await uninstall_current(hr, report, self._tools(hr, hands, (namespace, latest.name)))
        forget_release(report)
        return True

    def _tools(
        self,
        hr: HelmRelease,
        hands: Hands,
        where: tuple[str, str],
        on_write: Callable[[Release], None] = lambda _release: None,
        stages: StageLog | None = None,
    ) -> Tools:
        """`where`: namespace of the records, and name of the release."""
        namespace, name = where

        def on_stage(text: str) -> None:
            log.debug("helm", stage=text)
            if stages is not None:
                stages.note(text)

        return Tools(
            client=hands.client,
            discovery=hands.discovery if hr.persistent_client else Discovery(hands.client),
            tracker=hands.tracker,
            storage=Storage(hands.client, namespace, name, on_write=on_write),
            engine=self._deps.engine,
            owner=hr.key,
            on_stage=on_stage,
            aside=self._deps.aside,
        )


def why_moved(hr: HelmRelease, storage_namespace: str, latest: Snapshot, chart_name: str) -> str:
    """Which part of the release's identity is another one now; empty if none is (specs/helm.md 5.2)."""
    changes = {
        "storage namespace": (storage_namespace, hr.storage_namespace),
        "target namespace": (latest.namespace, hr.release_namespace),
        "release name": (latest.name, hr.short_name),
    }
    if hr.upgrade.reinstall_on_chart_change:
        changes["chart name"] = (latest.chart_name, chart_name)
    return next(
        (f"{what} changed from '{old}' to '{new}'" for what, (old, new) in changes.items() if old != new), ""
    )


def note_attempt(hr: HelmRelease, report: Report, plan: Plan) -> None:
    """What is tried now; failures of something else do not count any more (specs/helm.md 5.3)."""
    status = report.status
    reset = take_reset(report)
    if (
        reset
        or status.get("lastAttemptedGeneration") != hr.generation
        or status.get("lastAttemptedRevision") != plan.version
        or status.get("lastAttemptedConfigDigest") != plan.values_digest
    ):
        clear_counters(report)
    status["storageNamespace"] = hr.storage_namespace
    status["lastAttemptedGeneration"] = hr.generation
    status["lastAttemptedRevision"] = plan.version
    status["lastAttemptedConfigDigest"] = plan.values_digest
    if plan.oci_digest:
        status["lastAttemptedRevisionDigest"] = plan.oci_digest
    else:
        status.pop("lastAttemptedRevisionDigest", None)
    for deprecated in ("lastAttemptedValuesChecksum", "lastReleaseRevision"):
        status.pop(deprecated, None)


def _unusable(hr: HelmRelease, report: Report, problem: StateUnusable) -> Pending:
    """A person has to act; since nothing tells us when he has, it is looked at again now and then."""
    before = report.before.find(STALLED)
    report.conditions.mark_stalled(problem.reason, problem.message)
    report.conditions.mark_false(READY, problem.reason, problem.message)
    report.observe_generation()
    if before is None or before.message != problem.message:
        report.tell(EventType.WARNING, problem.reason, problem.message)
    return Pending(hr.interval)
