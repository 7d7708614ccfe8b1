"""Get out of a failure or a lock: roll back, uninstall, unlock (specs/helm.md 11)."""

from __future__ import annotations

from controllers.helm import telling
from controllers.helm.actions.errors import ActionFailed, NothingInstalled, RecordUnusable
from controllers.helm.actions.rollback import rollback
from controllers.helm.actions.uninstall import uninstall
from controllers.helm.actions.unlock import unlock
from controllers.helm.conditions import RELEASED, REMEDIATED, summarise
from controllers.helm.inventory import take_stock
from controllers.helm.orders import rollback_order, uninstall_order
from controllers.helm.recording import after_rollback, after_uninstall, after_unlock
from controllers.helm.session import Session
from controllers.helm.snapshots import Action, Snapshot
from controllers.helm.step_errors import StepFailed
from shared.kube.errors import KubeError
from shared.model.event import EventType


async def roll_back(session: Session) -> None:
    """To the newest earlier revision that was good. Raises StepFailed."""
    active = session.active
    ignore = active is not None and active.remediation.ignore_test_failures
    previous = session.history.previous(ignore_tests=ignore)
    assert previous is not None
    _require_same_target(session.latest, previous)
    session.written.clear()
    session.log.clear()
    problem = ""
    try:
        await rollback(session.tools, rollback_order(session, previous))
    except (ActionFailed, KubeError) as error:
        problem = str(error)
    written, newest = session.written.releases, session.written.newest
    session.history = after_rollback(session.history, written, session.options.algorithm)
    if newest is not None:
        await take_stock(session, newest)
    _remediated(session, "Rollback", telling.rolled_back(previous, problem), previous, failed=bool(problem))
    if problem and not written:
        raise StepFailed(problem)


async def remediate_by_uninstall(session: Session) -> None:
    """Also one that was begun and not ended. Raises StepFailed."""
    session.written.clear()
    session.log.clear()
    problem = ""
    try:
        about = await _to_uninstall(session)
        await uninstall(session.tools, uninstall_order(session.hr.uninstall))
    except NothingInstalled:
        return
    except (ActionFailed, KubeError) as error:
        problem = str(error)
    stored = bool(session.written.releases)
    session.history = after_uninstall(
        session.history,
        session.written.releases,
        Action.UNINSTALL_REMEDIATION,
        session.options.algorithm,
    )
    if not problem and not stored:
        problem = "uninstall completed with error: release not updated in Helm storage"
    message = telling.remediated_by_uninstall(about, problem)
    _remediated(session, "Uninstall", message, about, failed=bool(problem))
    if problem and not stored:
        raise StepFailed(problem)


async def _to_uninstall(session: Session) -> Snapshot:
    """What is said to be uninstalled. Raises NothingInstalled, KubeError."""
    if session.history.latest is not None:
        return session.latest
    last = await session.tools.storage.last()
    if last is None:
        raise NothingInstalled("no release in storage")
    return Snapshot.of(last, algorithm=session.options.algorithm)


async def unlock_release(session: Session) -> None:
    """Raises StepFailed."""
    session.written.clear()
    report = session.report
    last = None
    problem, hopeless = "", False
    try:
        last = await session.tools.storage.last()
        unlocked = await unlock(session.tools)
        session.history = after_unlock(
            session.history, unlocked, session.last_action, session.options.algorithm
        )
    except NothingInstalled:
        return
    except (ActionFailed, KubeError) as error:
        problem, hopeless = str(error), isinstance(error, RecordUnusable)
    if last is None:
        raise StepFailed(problem, hopeless=hopeless)
    about = Snapshot.of(last, algorithm=session.options.algorithm)
    message = telling.unlocked(about, last.status.value, problem)
    report.conditions.mark_false(RELEASED, "PendingRelease", message)
    kind = EventType.WARNING if problem else EventType.NORMAL
    if problem:
        session.count_failure()
    summarise(session.hr, report)
    telling.tell(report, kind, "PendingRelease", message, telling.About.snapshot(about))
    if problem:
        raise StepFailed(problem, hopeless=hopeless)


def _require_same_target(latest: Snapshot, previous: Snapshot) -> None:
    if (latest.name, latest.namespace) != (previous.name, previous.namespace):
        raise StepFailed(
            f"rollback target {previous.full_name} is of another release than {latest.full_name}"
        )


def _remediated(session: Session, what: str, message: str, about: Snapshot, *, failed: bool) -> None:
    report, reason = session.report, f"{what}{'Failed' if failed else 'Succeeded'}"
    if failed:
        session.count_failure()
        report.conditions.mark_false(REMEDIATED, reason, message)
    else:
        report.conditions.mark_true(REMEDIATED, reason, message)
    # After an uninstall the release is about to be installed anew: Ready keeps saying what failed.
    if what == "Rollback":
        summarise(session.hr, report)
    kind = EventType.WARNING if failed else EventType.NORMAL
    told = message + session.log.appendix() if failed else message
    telling.tell(report, kind, reason, told, telling.About.snapshot(about))
