"""Install and upgrade a release, and record how it went (specs/helm.md 11)."""

from __future__ import annotations

import time
from datetime import timedelta

from controllers.helm import telling
from controllers.helm.actions.errors import ActionFailed, Interrupted, RecordUnusable
from controllers.helm.actions.install import install
from controllers.helm.actions.upgrade import upgrade
from controllers.helm.conditions import RELEASED, REMEDIATED, TEST_SUCCESS, summarise
from controllers.helm.inventory import take_stock
from controllers.helm.orders import install_order, upgrade_order
from controllers.helm.recording import after_release
from controllers.helm.session import Session
from controllers.helm.snapshots import Action, History
from controllers.helm.step_errors import StepFailed, StepInterrupted
from shared.artifacts.errors import ArtifactError
from shared.kube.errors import KubeError
from shared.model.duration import render_duration
from shared.model.event import EventType

_TITLES = {Action.INSTALL: "Install", Action.UPGRADE: "Upgrade"}


def begin_install(session: Session) -> None:
    _begin(session, Action.INSTALL)
    session.history = History()


def begin_upgrade(session: Session) -> None:
    _begin(session, Action.UPGRADE)


async def install_release(session: Session) -> None:
    """Raises StepFailed, StepInterrupted."""
    started = time.monotonic()
    problem: Exception | None = None
    try:
        async with install_order(session) as order:
            await install(session.tools, order)
    except (ActionFailed, ArtifactError, KubeError) as error:
        problem = error
    await _finish(session, Action.INSTALL, problem, time.monotonic() - started)


async def upgrade_release(session: Session) -> None:
    """Raises StepFailed, StepInterrupted."""
    started = time.monotonic()
    problem: Exception | None = None
    try:
        async with upgrade_order(session) as order:
            await upgrade(session.tools, order)
    except (ActionFailed, ArtifactError, KubeError) as error:
        problem = error
    await _finish(session, Action.UPGRADE, problem, time.monotonic() - started)


def _begin(session: Session, action: Action) -> None:
    session.report.status["lastAttemptedReleaseAction"] = action.value
    session.report.conditions.delete(TEST_SUCCESS, REMEDIATED)
    session.written.clear()
    session.log.clear()


async def _finish(session: Session, action: Action, problem: Exception | None, seconds: float) -> None:
    duration = timedelta(seconds=round(seconds, 3))
    session.report.status["lastAttemptedReleaseActionDuration"] = render_duration(duration)
    written, newest = session.written.releases, session.written.newest
    session.history = after_release(
        session.history, written, action, session.plan.oci_digest, session.options.algorithm
    )
    if newest is not None:
        await take_stock(session, newest)
    if problem is None:
        _succeed(session, action)
        return
    if isinstance(problem, Interrupted):
        raise StepInterrupted(session.interruption.trigger)
    _fail(session, action, str(problem))
    if newest is None or isinstance(problem, RecordUnusable):
        raise StepFailed(str(problem), hopeless=isinstance(problem, RecordUnusable)) from problem
    session.count_failure(action)


def _succeed(session: Session, action: Action) -> None:
    report, latest = session.report, session.latest
    reason, message = f"{_TITLES[action]}Succeeded", telling.succeeded(action.value, latest)
    report.conditions.mark_true(RELEASED, reason, message)
    if session.hr.test.enable and not latest.was_tested:
        report.conditions.mark_unknown(TEST_SUCCESS, "AwaitingTests", telling.awaiting_tests(latest))
    if session.attempts(action).retries:
        session.clear_counters()
    summarise(session.hr, report)
    telling.tell(report, EventType.NORMAL, reason, message, telling.About.snapshot(latest))


def _fail(session: Session, action: Action, problem: str) -> None:
    report = session.report
    session.count_failure()
    message = telling.release_failed(session.hr, action.value, session.plan.chart, problem)
    reason = f"{_TITLES[action]}Failed"
    report.conditions.mark_false(RELEASED, reason, message)
    summarise(session.hr, report)
    told = message + session.log.appendix()
    telling.tell(report, EventType.WARNING, reason, told, session.plan.about)
