"""What to do next with a release: the table of specs/helm.md 10.2 as one pure function.

Example: a failed upgrade with retries left and a good earlier revision means a rollback; after that the
reconcile ends, and the next one finds the release out of sync and upgrades again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto

from controllers.helm.snapshots import History
from controllers.helm.state import State
from shared.model.helm_actions import Remediation, RemediationStrategy

_PATIENT_FAILURES = 3
_SHORTEST_PAUSE = timedelta(milliseconds=750)
_LONGEST_PAUSE = timedelta(minutes=15)


class Step(Enum):
    """`NOTHING`: all is as wanted, or all that may be done is done."""

    NOTHING = auto()
    INSTALL = auto()
    UPGRADE = auto()
    TEST = auto()
    ROLLBACK = auto()
    UNINSTALL = auto()
    UNLOCK = auto()
    CORRECT_DRIFT = auto()


class StepType(Enum):
    """Of each type, one step is done in a reconcile; a remediation ends it."""

    RELEASE = auto()
    TEST = auto()
    REMEDIATE = auto()
    UNLOCK = auto()
    DRIFT = auto()


STEP_TYPES = {
    Step.INSTALL: StepType.RELEASE,
    Step.UPGRADE: StepType.RELEASE,
    Step.TEST: StepType.TEST,
    Step.ROLLBACK: StepType.REMEDIATE,
    Step.UNINSTALL: StepType.REMEDIATE,
    Step.UNLOCK: StepType.UNLOCK,
    Step.CORRECT_DRIFT: StepType.DRIFT,
}


class Stall(Enum):
    """Why only a person, or another chart or values, can help."""

    RETRIES_EXCEEDED = auto()
    NO_ROLLBACK_TARGET = auto()


@dataclass(frozen=True, slots=True)
class Attempts:
    """How an action is repeated, and how often it has failed since its counter was reset."""

    remediation: Remediation
    failures: int
    retries: bool = False
    """RetryOnFailure: again and again, without remediation."""

    @property
    def exhausted(self) -> bool:
        return not self.retries and self.remediation.exhausted(self.failures)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision depends on.

    `active` are the attempts at the last release action, None when there was none. `forced`: somebody
    asks for one release action whatever the state. `corrects_drift`: drift is not only to be told of.
    """

    state: State
    history: History
    install: Attempts
    upgrade: Attempts
    active: Attempts | None = None
    forced: bool = False
    corrects_drift: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`history` is what is to be remembered from now on; `stall` is set when nothing may be done."""

    step: Step
    history: History = field(default_factory=History)
    stall: Stall | None = None


def decide(now: Situation) -> Decision:
    """The next step, and what becomes of the history before it."""
    keep = now.history
    match now.state:
        case State.IN_SYNC:
            return Decision(Step.UPGRADE if now.forced else Step.NOTHING, _truncated(now))
        case State.LOCKED:
            return Decision(Step.UNLOCK, keep)
        case State.LEAVING:
            return Decision(Step.UNINSTALL, keep)
        case State.ABSENT:
            return _unless_exhausted(Step.INSTALL, now.install, now)
        case State.UNMANAGED:
            return Decision(Step.UPGRADE, History())
        case State.OUT_OF_SYNC:
            return _unless_exhausted(Step.UPGRADE, now.upgrade, now)
        case State.DRIFTED:
            return Decision(Step.CORRECT_DRIFT if now.corrects_drift else Step.NOTHING, keep)
        case State.UNTESTED:
            return Decision(Step.TEST, keep)
        case State.FAILED:
            return _after_failure(now)


def _unless_exhausted(step: Step, attempts: Attempts, now: Situation) -> Decision:
    if attempts.exhausted and not now.forced:
        return Decision(Step.NOTHING, now.history, Stall.RETRIES_EXCEEDED)
    return Decision(step, now.history)


def _after_failure(now: Situation) -> Decision:
    active, keep = now.active, now.history
    if active is not None and active.retries:
        return Decision(Step.UPGRADE, keep.last_five())
    # Without a failure on the counter the spec has changed since.
    if active is None or active.failures <= 0 or now.forced:
        return Decision(Step.UPGRADE, keep)
    remediation = active.remediation
    if active.exhausted and not remediation.remediate_last_failure:
        return Decision(Step.NOTHING, keep, Stall.RETRIES_EXCEEDED)
    keep = keep.truncated(ignore_tests=remediation.ignore_test_failures)
    if remediation.strategy is RemediationStrategy.UNINSTALL:
        return Decision(Step.UNINSTALL, keep)
    if keep.previous(ignore_tests=remediation.ignore_test_failures) is None:
        return Decision(Step.NOTHING, keep, Stall.NO_ROLLBACK_TARGET)
    return Decision(Step.ROLLBACK, keep)


def _truncated(now: Situation) -> History:
    if now.active is not None and now.active.retries:
        return now.history.last_five()
    ignore = now.active is not None and now.active.remediation.ignore_test_failures
    return now.history.truncated(ignore_tests=ignore)


class After(Enum):
    """How a reconcile goes on when the next step's type has been done already, or a remediation ran."""

    AGAIN_AFTER_INTERVAL = auto()
    AGAIN_AT_ONCE = auto()
    DONE = auto()
    STALLED = auto()


def after_repetition(active: Attempts | None) -> After:
    """The type of the next step has had its turn in this reconcile."""
    if active is not None and active.retries:
        return After.AGAIN_AFTER_INTERVAL
    return After.AGAIN_AT_ONCE if active is None or not active.exhausted else After.DONE


def pause_before_next(failures: int) -> timedelta:
    """How soon to go on after so many failures: at once, but not for ever (specs/helm.md 5.4).

    A release that fails fast and may be retried without end must not keep the cluster busy with it.
    """
    if failures <= _PATIENT_FAILURES:
        return timedelta(0)
    doublings = min(failures - _PATIENT_FAILURES - 1, 30)
    pause: timedelta = _SHORTEST_PAUSE * 2**doublings
    return min(pause, _LONGEST_PAUSE)


def after_remediation(active: Attempts | None, upgrade: Remediation) -> After:
    if active is not None and active.retries:
        return After.AGAIN_AFTER_INTERVAL
    if active is None or not active.exhausted or upgrade.strategy is RemediationStrategy.UNINSTALL:
        return After.AGAIN_AT_ONCE
    return After.STALLED
