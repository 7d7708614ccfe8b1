"""How a chart cannot be built: the reason decides the condition, and whether trying again helps.

Spec source 11.6. Whoever fails raises `build_failure`; `note` alone writes conditions.
"""

from collections.abc import Mapping
from datetime import timedelta

from controllers.source.charts.conditions import BUILD_FAILED, ChartReason
from controllers.source.conditions import FETCH_FAILED, SOURCE_VERIFIED, Reason
from shared.runtime.failure import Failure, Stalled
from shared.runtime.report import Report

_SUMMARIES: Mapping[ChartReason, str] = {
    ChartReason.INVALID_REFERENCE: "invalid chart reference",
    ChartReason.PULL_ERROR: "chart pull error",
    ChartReason.METADATA_PATCH_ERROR: "chart metadata patch error",
    ChartReason.VALUES_FILES_ERROR: "values files merge error",
    ChartReason.DEPENDENCY_BUILD_ERROR: "dependency build error",
    ChartReason.PACKAGE_ERROR: "chart package error",
    ChartReason.VERIFICATION_ERROR: "chart verification error",
}
_FINAL = frozenset(
    {ChartReason.INVALID_REFERENCE, ChartReason.METADATA_PATCH_ERROR, ChartReason.VALUES_FILES_ERROR}
)
_OF_FETCHING: frozenset[str] = frozenset(
    {
        ChartReason.INVALID_REFERENCE,
        ChartReason.PULL_ERROR,
        ChartReason.NO_SOURCE_ARTIFACT,
        ChartReason.SOURCE_UNAVAILABLE,
        Reason.READ_OPERATION_FAILED,
    }
)
_OF_BUILDING: frozenset[str] = frozenset(
    {
        ChartReason.METADATA_PATCH_ERROR,
        ChartReason.VALUES_FILES_ERROR,
        ChartReason.DEPENDENCY_BUILD_ERROR,
        ChartReason.PACKAGE_ERROR,
        ChartReason.VERIFICATION_ERROR,
    }
)


def build_failure(reason: ChartReason, what: str, *, retry_in: timedelta | None = None) -> Failure:
    """Stalled where only another spec, or another source, can help."""
    message = f"{_SUMMARIES[reason]}: {what}"
    if reason in _FINAL:
        return Stalled(message, reason=reason)
    return Failure(message, reason=reason, retry_in=retry_in)


def authentication_failure(what: object) -> Failure:
    """The repository refuses us, or its certificate or our secret is wrong."""
    return Failure(
        f"failed to authenticate with the Helm repository: {what}", reason=Reason.AUTHENTICATION_FAILED
    )


def note(report: Report, failure: Failure) -> None:
    """Let the failure of a build be seen in the condition that is meant for it."""
    conditions = report.conditions
    if failure.reason in _OF_BUILDING:
        conditions.delete(FETCH_FAILED)
        conditions.mark_true(BUILD_FAILED, failure.reason, failure.message)
        if failure.reason == ChartReason.VERIFICATION_ERROR:
            conditions.mark_false(SOURCE_VERIFIED, Reason.VERIFICATION_ERROR, failure.message)
        return
    conditions.delete(BUILD_FAILED)
    if failure.reason == ChartReason.UNSUPPORTED_SOURCE_KIND:
        conditions.mark_true(FETCH_FAILED, ChartReason.SOURCE_UNAVAILABLE, failure.message)
    elif failure.reason in _OF_FETCHING:
        conditions.mark_true(FETCH_FAILED, failure.reason, failure.message)
    else:
        conditions.mark_true(FETCH_FAILED, ChartReason.UNKNOWN, f"unknown build error: {failure.message}")
