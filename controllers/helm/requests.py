"""What annotations ask for: forceAt and resetAt, each good for once (specs/helm.md 18)."""

from __future__ import annotations

from shared.runtime.report import Report

FORCE_AT = "reconcile.fluxcd.io/forceAt"
RESET_AT = "reconcile.fluxcd.io/resetAt"


def take_force(report: Report) -> bool:
    """Is one release action asked for, whatever the state? Asking is answered from now on."""
    return _take(report, FORCE_AT, "lastHandledForceAt")


def take_reset(report: Report) -> bool:
    """Are the failure counters to be reset?"""
    return _take(report, RESET_AT, "lastHandledResetAt")


def _take(report: Report, annotation: str, field: str) -> bool:
    """Honoured together with a new requestedAt of the same value; noted as handled in every case."""
    token = (report.obj["metadata"].get("annotations") or {}).get(annotation)
    if token is None:
        return False
    handled, report.status[field] = report.status.get(field), token
    return bool(token == report.requested_at and report.is_requested and token != handled)
