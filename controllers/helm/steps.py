"""The steps that a reconcile can take with a release: their names, limits and functions (specs/helm.md 10.3).

A step either ends, having recorded how it went in history, conditions and events, or raises StepFailed
when there is nothing to go on from: then the reconcile is tried again later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from controllers.helm.decide import Step
from controllers.helm.session import Session
from controllers.helm.step_drift import correct_drift
from controllers.helm.step_recover import remediate_by_uninstall, roll_back, unlock_release
from controllers.helm.step_release import begin_install, begin_upgrade, install_release, upgrade_release
from controllers.helm.step_test import test_release
from shared.model.helm import HelmRelease


def _nothing(_session: Session) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Course:
    """`name` and `limit` are told while it runs; `begin` is done before that is told."""

    name: str
    limit: Callable[[HelmRelease], timedelta]
    run: Callable[[Session], Awaitable[None]]
    begin: Callable[[Session], None] = _nothing


STEPS: Mapping[Step, Course] = {
    Step.INSTALL: Course("install", lambda hr: hr.install.waits.timeout, install_release, begin_install),
    Step.UPGRADE: Course("upgrade", lambda hr: hr.upgrade.waits.timeout, upgrade_release, begin_upgrade),
    Step.TEST: Course("test", lambda hr: hr.test.timeout, test_release),
    Step.ROLLBACK: Course("rollback", lambda hr: hr.rollback.waits.timeout, roll_back),
    Step.UNINSTALL: Course("uninstall", lambda hr: hr.uninstall.timeout, remediate_by_uninstall),
    Step.UNLOCK: Course("unlock", lambda hr: hr.timeout, unlock_release),
    Step.CORRECT_DRIFT: Course("correct cluster drift", lambda hr: hr.timeout, correct_drift),
}
