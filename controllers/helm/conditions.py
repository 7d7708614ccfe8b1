"""How a release shows in the conditions of its HelmRelease, and how Ready follows (specs/helm.md 3, 10.4)."""

from __future__ import annotations

from controllers.helm.digests import common_metadata_digest, post_renderers_digest
from shared.logic.conditions import Conditions
from shared.model.helm import HelmRelease
from shared.model.meta import READY, RECONCILING, STALLED, Condition, Reason
from shared.runtime.report import Report

RELEASED = "Released"
REMEDIATED = "Remediated"
TEST_SUCCESS = "TestSuccess"
DRIFTED = "Drifted"

OWNED = frozenset({RELEASED, REMEDIATED, TEST_SUCCESS, RECONCILING, READY, STALLED})

IN_PROGRESS = "reconciliation in progress"
_PREREQUISITES = "Fulfilling prerequisites"


def begin(report: Report) -> None:
    """Before the sources, values and the cluster are looked for; one more try is no news."""
    before = report.conditions.find(RECONCILING)
    if before is None or before.message != _PREREQUISITES:
        report.conditions.mark_reconciling(Reason.PROGRESSING, _PREREQUISITES)


def passed(report: Report, *reasons: str) -> None:
    """A step is passed: what it left in Ready when it failed does not hold any more."""
    ready = report.conditions.find(READY)
    if ready is not None and not ready.is_true and ready.reason in reasons:
        report.conditions.mark_unknown(READY, Reason.PROGRESSING, IN_PROGRESS)


def mark_retrying(report: Report, message: str) -> None:
    report.conditions.mark_reconciling(Reason.PROGRESSING_WITH_RETRY, message)


def ready_message(report: Report) -> str:
    ready = report.conditions.find(READY)
    return ready.message if ready is not None else ""


def summarise(hr: HelmRelease, report: Report) -> None:
    """Copy into Ready what counts most of the newest generation, and note how the release was rendered."""
    conditions = report.conditions
    if not hr.test.enable:
        conditions.delete(TEST_SUCCESS)
    winner = _winner(conditions, tests_count=hr.test.enable and not hr.test.ignore_failures)
    if winner is not None:
        status = "False" if winner.type == REMEDIATED else winner.status
        conditions.set(READY, status, winner.reason, winner.message)
        if status == "True":
            conditions.delete(STALLED)
    observe_rendering(hr, report)


def observe_rendering(hr: HelmRelease, report: Report) -> None:
    for field, digest in rendering_digests(hr).items():
        if digest:
            report.status[field] = digest
        else:
            report.status.pop(field, None)


def rendering_digests(hr: HelmRelease) -> dict[str, str]:
    """By field of the status: what is not part of a release, but changes what it renders to."""
    return {
        "observedPostRenderersDigest": post_renderers_digest(hr.post_renderers),
        "observedCommonMetadataDigest": common_metadata_digest(hr.common_metadata),
    }


def rendering_change(hr: HelmRelease, report: Report) -> str:
    """Why the release has to be rendered again although chart and values are the same; empty if not."""
    if not report.is_new_generation:
        return ""
    reasons = {
        "observedPostRenderersDigest": "postrenderers digest has changed",
        "observedCommonMetadataDigest": "common metadata digest has changed",
    }
    for field, digest in rendering_digests(hr).items():
        if digest != (report.status.get(field) or ""):
            return reasons[field]
    return ""


def clear_remediation(report: Report, message: str) -> None:
    """The release is as wanted again, so that it was rolled back on the way says nothing any more."""
    if report.conditions.is_true(REMEDIATED):
        report.conditions.delete(REMEDIATED)
        report.conditions.mark_true(RELEASED, "UpgradeSucceeded", message)


def clear_failure(report: Report, message: str) -> bool:
    """The same for a failure that the cluster has got over; whether there was one."""
    released = report.conditions.find(RELEASED)
    succeeded = {"InstallFailed": "InstallSucceeded", "UpgradeFailed": "UpgradeSucceeded"}
    if released is None or released.reason not in succeeded:
        return False
    if report.conditions.is_true(READY) and released.is_true:
        return False
    report.conditions.mark_true(RELEASED, succeeded[released.reason], message)
    return True


def _winner(conditions: Conditions, *, tests_count: bool) -> Condition | None:
    order = (REMEDIATED, TEST_SUCCESS, RELEASED) if tests_count else (REMEDIATED, RELEASED)
    found = [item for kind in order if (item := conditions.find(kind)) is not None]
    return max(found, key=lambda item: item.observed_generation) if found else None
