"""What is there of a release: its record, its state, and whether its objects drifted (specs/helm.md 9)."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.helm.conditions import rendering_change
from controllers.helm.drift import DriftFound
from controllers.helm.failures import ReleaseFailed, StateFailed, StateUnusable
from controllers.helm.release.errors import ReleaseError
from controllers.helm.session import Session
from controllers.helm.state import IndeterminateState, State, Wanted, determine
from controllers.helm.step_drift import detect_drift
from controllers.helm.step_errors import StepFailed
from shared.kube.errors import KubeError
from shared.model.helm_actions import DriftMode
from shared.model.meta import READY

_UNKNOWN = "Could not determine release state"


@dataclass(frozen=True, slots=True)
class Observed:
    """`drift` is given where the state is DRIFTED."""

    state: State
    reason: str = ""
    drift: DriftFound | None = None


async def observe(session: Session) -> Observed:
    """Raises StateFailed, and StateUnusable where only a person can help."""
    try:
        release = await session.tools.storage.last()
        found = determine(release, session.history, _wanted(session))
    except (IndeterminateState, ReleaseError) as error:
        raise StateUnusable(f"{_UNKNOWN}: {error}") from error
    except KubeError as error:
        raise StateFailed(f"{_UNKNOWN}: {error}") from error
    if release is None or found.state is not State.IN_SYNC or session.hr.drift.mode is DriftMode.DISABLED:
        return Observed(found.state, found.reason)
    try:
        drift = await detect_drift(session, release)
    except StepFailed as error:
        raise StateFailed(f"{_UNKNOWN}: {error}") from error
    if drift.differences:
        return Observed(State.DRIFTED, drift.summary(), drift)
    return Observed(State.IN_SYNC)


def _wanted(session: Session) -> Wanted:
    hr, plan, active = session.hr, session.plan, session.active
    return Wanted(
        chart_name=plan.chart_name,
        chart_version=plan.version,
        values=dict(plan.values),
        values_digest=plan.values_digest,
        tests_enabled=hr.test.enable,
        failed_tests_count=active is not None and not active.remediation.ignore_test_failures,
        rendering_changed=rendering_change(hr, session.report),
    )


async def rollback_target_is_intact(session: Session) -> bool:
    """Is the revision that a rollback would bring back in storage as we left it?"""
    active = session.active
    ignore = active is not None and active.remediation.ignore_test_failures
    previous = session.history.previous(ignore_tests=ignore)
    if previous is None:
        return False
    try:
        release = await session.tools.storage.get(previous.version)
    except ReleaseError:
        return False
    except KubeError as error:
        if not session.report.conditions.is_false(READY):
            session.report.conditions.mark_false(READY, ReleaseFailed.reason, str(error))
        raise ReleaseFailed(str(error), quiet=True) from error
    return release is not None and previous.verifies(release)
