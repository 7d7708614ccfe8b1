"""Bring a release to what is wanted, step by step, until nothing is left to do (specs/helm.md 10.3).

Look, decide, act, and look again. Each type of step has one turn in a reconcile, and a remediation ends
it; what is left is done by the next one.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from controllers.helm import conditions, telling
from controllers.helm.decide import (
    STEP_TYPES,
    After,
    Decision,
    Situation,
    Stall,
    Step,
    StepType,
    after_remediation,
    after_repetition,
    decide,
    pause_before_next,
)
from controllers.helm.failures import ReleaseFailed, ReleaseStalled, StateUnusable
from controllers.helm.observe import Observed, observe, rollback_target_is_intact
from controllers.helm.requests import take_force
from controllers.helm.session import Session
from controllers.helm.snapshots import Action
from controllers.helm.state import State
from controllers.helm.step_drift import tell_drift, tell_no_drift
from controllers.helm.step_errors import StepFailed, StepInterrupted
from controllers.helm.steps import STEPS
from shared.model.duration import render_duration
from shared.model.event import EventType
from shared.model.helm_actions import DriftMode
from shared.model.meta import READY, RECONCILING, Reason
from shared.runtime.outcome import Done, Outcome, Pending

log = structlog.get_logger()

_AT_ONCE = timedelta(0)
_BETWEEN_CORRECTIONS = timedelta(seconds=5)
_STALLS = {
    Stall.RETRIES_EXCEEDED: "RetriesExceeded",
    Stall.NO_ROLLBACK_TARGET: "MissingRollbackTarget",
}
_NO_TARGET = (
    "Failed to perform remediation: missing target release for rollback: cannot remediate failed release"
)


class Loop:
    """Runs once; `session` says about which release."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done: set[StepType] = set()
        self._forced = take_force(session.report)

    @property
    def took_steps(self) -> bool:
        return bool(self._done)

    async def run(self) -> Outcome:
        """Done when the release is as wanted.

        Raises ReleaseFailed, ReleaseStalled, StateFailed and StateUnusable.
        """
        session = self._session
        while True:
            observed = await observe(session)
            if observed.drift is not None:
                tell_drift(session, observed.drift)
            decision = await self._decide(observed)
            if decision.stall is not None:
                raise self._stalled(decision.stall)
            if decision.step is Step.NOTHING:
                return self._finish(in_sync=observed.state is State.IN_SYNC)
            if STEP_TYPES[decision.step] in self._done:
                return self._after_repetition(decision.step)
            outcome = await self._take(decision.step)
            if outcome is not None:
                return outcome
            # Ready is published at the end of the pass, when that is all there is to say.
            if not session.report.conditions.is_true(READY):
                await session.report.publish()

    async def _decide(self, observed: Observed) -> Decision:
        session = self._session
        situation = Situation(
            state=observed.state,
            history=session.history,
            install=session.attempts(Action.INSTALL),
            upgrade=session.attempts(Action.UPGRADE),
            active=session.active,
            forced=self._forced,
            corrects_drift=session.hr.drift.mode is DriftMode.ENABLED,
        )
        decision = decide(situation)
        log.debug("decided", state=observed.state.name, reason=observed.reason, step=decision.step.name)
        session.history = decision.history
        if decision.step is Step.ROLLBACK and not await rollback_target_is_intact(session):
            return Decision(Step.UPGRADE, decision.history)
        return decision

    async def _take(self, step: Step) -> Outcome | None:
        """None when the loop goes on."""
        session, course = self._session, STEPS[step]
        report, kind = session.report, STEP_TYPES[step]
        message = (
            f"Running '{course.name}' action with timeout of {render_duration(course.limit(session.hr))}"
        )
        log.info("running action", action=course.name)
        if kind is StepType.RELEASE:
            self._forced = False
        course.begin(session)
        report.conditions.mark_reconciling(Reason.PROGRESSING, message)
        if kind is StepType.RELEASE:
            report.conditions.mark_unknown(READY, Reason.PROGRESSING, message)
        if kind is StepType.DRIFT:
            report.conditions.mark_unknown(READY, Reason.PROGRESSING, "correcting cluster drift")
        await report.publish()
        try:
            await course.run(session)
        except StepInterrupted as interruption:
            return self._interrupted(str(interruption))
        except StepFailed as error:
            return self._failed(error)
        if kind is StepType.REMEDIATE:
            return self._after_remediation()
        self._done.add(kind)
        return None

    def _finish(self, *, in_sync: bool) -> Outcome:
        """`in_sync` false: the objects have drifted, and that is only to be told."""
        session, report = self._session, self._session.report
        conditions_of = report.conditions
        if in_sync:
            done = telling.succeeded(session.latest.action or Action.UPGRADE, session.latest)
            conditions.clear_remediation(report, done)
            conditions.clear_failure(report, done)
            if session.hr.drift.mode is not DriftMode.DISABLED:
                tell_no_drift(session)
            else:
                conditions_of.delete(conditions.DRIFTED)
        conditions_of.delete(RECONCILING)
        conditions.summarise(session.hr, report)
        if conditions_of.is_true(READY):
            return Done(session.hr.interval)
        report.observe_generation()
        return Pending(session.hr.interval)

    def _after_repetition(self, step: Step) -> Outcome:
        if step is Step.CORRECT_DRIFT:
            # Somebody undoes our corrections at once: do not race with him.
            conditions.mark_retrying(self._session.report, "drift comes back after it was corrected")
            return Pending(_BETWEEN_CORRECTIONS)
        match after_repetition(self._session.active):
            case After.AGAIN_AFTER_INTERVAL:
                return self._retry_later()
            case After.AGAIN_AT_ONCE:
                return self._again_at_once()
        self._session.report.conditions.delete(RECONCILING)
        self._session.report.observe_generation()
        return Pending(self._session.hr.interval)

    def _after_remediation(self) -> Outcome:
        session = self._session
        match after_remediation(session.active, session.hr.upgrade.remediation):
            case After.AGAIN_AFTER_INTERVAL:
                return self._retry_later()
            case After.AGAIN_AT_ONCE:
                return self._again_at_once()
        raise self._stalled(Stall.RETRIES_EXCEEDED)

    def _retry_later(self) -> Outcome:
        session, interval = self._session, self._session.active_strategy.retry_interval
        conditions.mark_retrying(session.report, f"retrying after {render_duration(interval)}")
        session.report.observe_generation()
        return Pending(interval)

    def _again_at_once(self) -> Outcome:
        report = self._session.report
        conditions.mark_retrying(report, conditions.ready_message(report))
        return Pending(pause_before_next(int(report.status.get("failures") or 0)))

    def _failed(self, error: StepFailed) -> Outcome:
        """Raises ReleaseFailed, or StateUnusable when only a person can help."""
        session, report = self._session, self._session.report
        active = session.active
        if error.hopeless:
            raise StateUnusable(str(error)) from error
        if active is not None and active.retries:
            return self._retry_later()
        if not report.conditions.is_false(READY):
            report.conditions.mark_false(READY, ReleaseFailed.reason, str(error))
        raise ReleaseFailed(str(error), quiet=True) from error

    def _interrupted(self, trigger: str) -> Outcome:
        report = self._session.report
        message = f"New reconciliation triggered by {trigger}"
        report.conditions.mark_false(READY, "HealthCheckCanceled", message)
        told = f"Health checks canceled due to new reconciliation triggered by {trigger}"
        about = self._session.plan.about
        telling.tell(report, EventType.NORMAL, "HealthCheckCanceled", told, about)
        return Pending(_AT_ONCE)

    def _stalled(self, stall: Stall) -> ReleaseStalled:
        """Ready keeps saying what failed."""
        session = self._session
        if not session.report.conditions.is_false(READY):
            conditions.summarise(session.hr, session.report)
        if stall is Stall.NO_ROLLBACK_TARGET:
            return ReleaseStalled(_STALLS[stall], _NO_TARGET)
        action = session.last_action or Action.INSTALL
        attempts = session.attempts(Action(action)).failures
        return ReleaseStalled(_STALLS[stall], f"Failed to {action} after {attempts} attempt(s)")
