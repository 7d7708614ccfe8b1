"""Say that work is under way: in the conditions at once, at the API server where somebody waits to see it."""

from __future__ import annotations

from shared.model.meta import READY, RECONCILING, Reason
from shared.runtime.report import Report


async def begin(report: Report) -> None:
    """Mark progress; persist it only when somebody is waiting to see it: a new spec, or a request."""
    message = "reconciliation in progress"
    if report.is_new_generation:
        old, new = report.observed_generation, report.generation
        message = f"processing object: new generation {old} -> {new}"
    report.conditions.mark_reconciling(Reason.PROGRESSING, message)
    if report.conditions.is_unknown(READY):
        report.conditions.mark_unknown(READY, Reason.PROGRESSING, message)
    if report.is_new_generation or report.is_requested:
        await report.publish()


async def admit_drift(report: Report, message: str) -> None:
    """Say publicly that what is there is not what should be: Ready is unknown until it is."""
    report.conditions.mark_true(RECONCILING, Reason.PROGRESSING, message)
    report.conditions.mark_unknown(READY, Reason.PROGRESSING, message)
    await report.publish()
