"""How an attempt's end becomes conditions: pure, one function a kind of end (specs/runtime.md 3.3)."""

from __future__ import annotations

from shared.logic.conditions import Summary
from shared.model.meta import READY, RECONCILING, STALLED, Reason
from shared.runtime.failure import Failure, Stalled
from shared.runtime.report import Report


def settle_done(report: Report, summary: Summary | None) -> str | None:
    """Success. Returns the Ready message when the conditions disagree, which calls for a retry."""
    conditions = report.conditions
    conditions.delete(RECONCILING, STALLED)
    if summary is not None:
        summary.apply(conditions)
    if len(conditions):
        report.observe_generation()
    _acknowledge(report)
    ready = conditions.find(READY)
    if ready is None or ready.is_true:
        conditions.restamp()
        return None
    return ready.message


def settle_failure(report: Report, failure: Failure, summary: Summary | None) -> None:
    """Stalled is final until the spec changes; anything else is marked as being retried."""
    conditions = report.conditions
    if isinstance(failure, Stalled):
        conditions.mark_stalled(failure.reason, failure.message)
    else:
        conditions.delete(STALLED)
        progress = conditions.find(RECONCILING)
        if progress is not None:
            conditions.mark_true(RECONCILING, Reason.PROGRESSING_WITH_RETRY, progress.message)
    if summary is not None:
        summary.apply(conditions)
        if conditions.is_unknown(READY):
            conditions.mark_false(READY, failure.reason, failure.message)
    elif not (failure.keeps_ready and conditions.is_false(READY)):
        conditions.mark_false(READY, failure.reason, failure.message)
    if isinstance(failure, Stalled) and failure.advances:
        report.observe_generation()
    _acknowledge(report)


def settle_suspended(report: Report, summary: Summary | None) -> None:
    """Nothing is done while suspended, but the request is acknowledged (specs/source.md 2.6)."""
    if report.conditions.is_true(READY) or (summary is not None and len(report.conditions)):
        report.observe_generation()
    _acknowledge(report)


def settle_pending(report: Report) -> None:
    """The attempt goes on later; only the request is acknowledged."""
    _acknowledge(report)


def _acknowledge(report: Report) -> None:
    if report.requested_at:
        report.status["lastHandledReconcileAt"] = report.requested_at
