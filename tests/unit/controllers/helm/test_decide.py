"""The table of specs/helm.md 10.2: state x spec x history -> next step."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.helm.decide import (
    After,
    Attempts,
    Decision,
    Situation,
    Stall,
    Step,
    after_remediation,
    after_repetition,
    decide,
    pause_before_next,
)
from controllers.helm.release.record import Status
from controllers.helm.snapshots import Action, History, Snapshot
from controllers.helm.state import State
from shared.model.helm_actions import Remediation, RemediationStrategy
from tests.unit.controllers.helm.releases import release


def attempts(
    failures: int = 0,
    retries: int = 0,
    *,
    last: bool = False,
    strategy: RemediationStrategy = RemediationStrategy.ROLLBACK,
    again: bool = False,
) -> Attempts:
    remediation = Remediation(
        retries, ignore_test_failures=False, remediate_last_failure=last, strategy=strategy
    )
    return Attempts(remediation, failures, again)


def past(*statuses: Status) -> History:
    """The newest first."""
    count = len(statuses)
    return History.of(
        Snapshot.of(release(count - number, status), Action.UPGRADE) for number, status in enumerate(statuses)
    )


GOOD = past(Status.DEPLOYED)
FAILED_AFTER_GOOD = past(Status.FAILED, Status.SUPERSEDED)
ONLY_FAILED = past(Status.FAILED)
NONE = attempts()
UNINSTALL = RemediationStrategy.UNINSTALL


def after(state: State, history: History = GOOD, **given: Any) -> Decision:
    return decide(Situation(state, history, **{"install": NONE, "upgrade": NONE} | given))


@pytest.mark.parametrize(
    ("state", "history", "given", "step", "stall"),
    [
        pytest.param(State.IN_SYNC, GOOD, {}, Step.NOTHING, None, id="in sync"),
        pytest.param(State.IN_SYNC, GOOD, {"forced": True}, Step.UPGRADE, None, id="forced"),
        pytest.param(State.LOCKED, GOOD, {}, Step.UNLOCK, None, id="locked"),
        pytest.param(State.LEAVING, GOOD, {}, Step.UNINSTALL, None, id="half uninstalled"),
        pytest.param(State.ABSENT, History(), {}, Step.INSTALL, None, id="first install"),
        pytest.param(
            State.ABSENT,
            GOOD,
            {"install": attempts(1)},
            Step.NOTHING,
            Stall.RETRIES_EXCEEDED,
            id="install exhausted",
        ),
        pytest.param(
            State.ABSENT,
            GOOD,
            {"install": attempts(1), "forced": True},
            Step.INSTALL,
            None,
            id="install forced",
        ),
        pytest.param(
            State.ABSENT, GOOD, {"install": attempts(1, 1)}, Step.INSTALL, None, id="a retry is left"
        ),
        pytest.param(State.ABSENT, GOOD, {"install": attempts(99, -1)}, Step.INSTALL, None, id="unlimited"),
        pytest.param(State.UNMANAGED, GOOD, {}, Step.UPGRADE, None, id="unmanaged"),
        pytest.param(State.OUT_OF_SYNC, GOOD, {}, Step.UPGRADE, None, id="out of sync"),
        pytest.param(
            State.OUT_OF_SYNC,
            GOOD,
            {"upgrade": attempts(3, 2)},
            Step.NOTHING,
            Stall.RETRIES_EXCEEDED,
            id="upgrade exhausted",
        ),
        pytest.param(
            State.OUT_OF_SYNC,
            GOOD,
            {"upgrade": attempts(3, 2), "forced": True},
            Step.UPGRADE,
            None,
            id="upgrade forced",
        ),
        pytest.param(State.DRIFTED, GOOD, {"corrects_drift": True}, Step.CORRECT_DRIFT, None, id="drifted"),
        pytest.param(State.DRIFTED, GOOD, {}, Step.NOTHING, None, id="drift is only told"),
        pytest.param(State.UNTESTED, GOOD, {}, Step.TEST, None, id="untested"),
        pytest.param(State.FAILED, ONLY_FAILED, {}, Step.UPGRADE, None, id="failed, nothing was tried"),
        pytest.param(
            State.FAILED, ONLY_FAILED, {"active": attempts(9, again=True)}, Step.UPGRADE, None, id="retrying"
        ),
        pytest.param(
            State.FAILED,
            ONLY_FAILED,
            {"active": attempts(0)},
            Step.UPGRADE,
            None,
            id="changed since it failed",
        ),
        pytest.param(
            State.FAILED,
            ONLY_FAILED,
            {"active": attempts(2), "forced": True},
            Step.UPGRADE,
            None,
            id="failed and forced",
        ),
        pytest.param(
            State.FAILED,
            FAILED_AFTER_GOOD,
            {"active": attempts(1)},
            Step.NOTHING,
            Stall.RETRIES_EXCEEDED,
            id="no retries",
        ),
        pytest.param(
            State.FAILED,
            FAILED_AFTER_GOOD,
            {"active": attempts(1, 1)},
            Step.ROLLBACK,
            None,
            id="back, then again",
        ),
        pytest.param(
            State.FAILED,
            FAILED_AFTER_GOOD,
            {"active": attempts(2, 1, last=True)},
            Step.ROLLBACK,
            None,
            id="the last failure is remediated",
        ),
        pytest.param(
            State.FAILED,
            ONLY_FAILED,
            {"active": attempts(1, 1)},
            Step.NOTHING,
            Stall.NO_ROLLBACK_TARGET,
            id="nowhere to go back to",
        ),
        pytest.param(
            State.FAILED,
            ONLY_FAILED,
            {"active": attempts(1, 1, strategy=UNINSTALL)},
            Step.UNINSTALL,
            None,
            id="install remediation",
        ),
    ],
)
def test_next_step(
    state: State, history: History, given: dict[str, Any], step: Step, stall: Stall | None
) -> None:
    decision = after(state, history, **given)
    assert (decision.step, decision.stall) == (step, stall)


def test_what_is_remembered() -> None:
    long = past(Status.FAILED, *[Status.SUPERSEDED] * 7)
    assert len(after(State.UNMANAGED, long).history) == 0
    assert len(after(State.IN_SYNC, long).history) == 2
    assert len(after(State.IN_SYNC, long, active=attempts(again=True)).history) == 5
    assert len(after(State.FAILED, long, active=attempts(1, again=True)).history) == 5
    assert len(after(State.FAILED, long, active=attempts(1, 1)).history) == 2
    assert after(State.OUT_OF_SYNC, long).history == long


@pytest.mark.parametrize(
    ("active", "repeated", "remediated"),
    [
        (None, After.AGAIN_AT_ONCE, After.AGAIN_AT_ONCE),
        (attempts(1, 1), After.AGAIN_AT_ONCE, After.AGAIN_AT_ONCE),
        (attempts(2, 1), After.DONE, After.STALLED),
        (attempts(2, 1, again=True), After.AGAIN_AFTER_INTERVAL, After.AGAIN_AFTER_INTERVAL),
    ],
)
def test_how_a_reconcile_goes_on(active: Attempts | None, repeated: After, remediated: After) -> None:
    assert after_repetition(active) is repeated
    assert after_remediation(active, NONE.remediation) is remediated


def test_after_an_uninstall_for_an_upgrade_the_install_has_its_own_retries() -> None:
    upgrade = attempts(strategy=UNINSTALL).remediation
    assert after_remediation(attempts(2, 1), upgrade) is After.AGAIN_AT_ONCE


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (3, 0), (4, 0.75), (5, 1.5), (8, 12), (20, 900), (10**9, 900)]
)
def test_the_first_retries_follow_at_once_and_later_ones_later(failures: int, seconds: float) -> None:
    assert pause_before_next(failures).total_seconds() == seconds
