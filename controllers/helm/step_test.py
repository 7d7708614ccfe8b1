"""Run the tests of a release, and record how they went (specs/helm.md 11)."""

from __future__ import annotations

from controllers.helm import telling
from controllers.helm.actions.errors import ActionFailed
from controllers.helm.actions.run_tests import run_tests, selected_tests
from controllers.helm.conditions import TEST_SUCCESS, summarise
from controllers.helm.orders import tests_order
from controllers.helm.recording import after_tests
from controllers.helm.release.record import Release
from controllers.helm.session import Session
from controllers.helm.snapshots import Action, results_of
from controllers.helm.step_errors import StepFailed
from shared.kube.errors import KubeError
from shared.model.event import EventType


async def test_release(session: Session) -> None:
    """Raises StepFailed when the results could not be stored."""
    session.written.clear()
    session.log.clear()
    order = tests_order(session)
    problem, release = "", None
    try:
        release = await run_tests(session.tools, order)
    except ActionFailed as error:
        problem, release = str(error), error.release
    except KubeError as error:
        problem = str(error)
    if release is not None:
        names = [hook.name for hook in selected_tests(release, order.filters)]
        _record(session, release, names)
    if problem:
        _fail(session, problem, recorded=release is not None)
    else:
        _succeed(session)


def _record(session: Session, release: Release, names: list[str]) -> None:
    if session.history.find(release) is None:
        raise StepFailed(f"release mismatch: tested release {release} != current release")
    session.history = after_tests(
        session.history, release, results_of(release, names), session.options.algorithm
    )


def _succeed(session: Session) -> None:
    report, message = session.report, telling.tests_succeeded(session.latest)
    report.conditions.mark_true(TEST_SUCCESS, "TestSucceeded", message)
    summarise(session.hr, report)
    about = telling.About.snapshot(session.latest)
    telling.tell(report, EventType.NORMAL, "TestSucceeded", message, about)


def _fail(session: Session, problem: str, *, recorded: bool) -> None:
    report, latest, active = session.report, session.latest, session.active
    session.count_failure()
    message = telling.failed("test", latest, problem)
    report.conditions.mark_false(TEST_SUCCESS, "TestFailed", message)
    summarise(session.hr, report)
    telling.tell(report, EventType.WARNING, "TestFailed", message, telling.About.snapshot(latest))
    if not recorded:
        raise StepFailed(problem)
    if active is not None and not active.remediation.ignore_test_failures:
        session.count_failure(Action(session.last_action))
