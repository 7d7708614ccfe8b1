"""How a rollout shows in the conditions and events of a Kustomization (specs/kustomize.md 3, 15)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from controllers.kustomize.history import origin_revision
from shared.model.artifact import Artifact
from shared.model.duration import render_duration
from shared.model.event import EventType
from shared.model.kustomize import GROUP, Kustomization
from shared.model.meta import READY, RECONCILING, Reason
from shared.runtime.report import Report

HEALTHY = "Healthy"
IN_PROGRESS = "Reconciliation in progress"
SUCCEEDED = "ReconciliationSucceeded"


class Stage(StrEnum):
    FETCHING = "Fetching manifests"
    BUILDING = "Building manifests"
    DETECTING = "Detecting drift"
    CHECKING = "Running health checks"


def enter(report: Report, stage: Stage, ks: Kustomization, artifact: Artifact) -> str:
    """Put the stage into the draft; returns the message."""
    limit = render_duration(ks.timeout)
    message = f"{stage} for revision {artifact.revision} with a timeout of {limit}"
    report.conditions.mark_reconciling(Reason.PROGRESSING, message)
    return message


def mark_in_progress(report: Report) -> None:
    report.conditions.mark_unknown(READY, Reason.PROGRESSING, IN_PROGRESS)


def mark_succeeded(report: Report, artifact: Artifact) -> None:
    report.conditions.mark_true(READY, SUCCEEDED, f"Applied revision: {artifact.revision}")
    report.conditions.delete(RECONCILING)


def revision_metadata(artifact: Artifact) -> Mapping[str, str]:
    """What every event of a rollout carries."""
    metadata = {f"{GROUP}/revision": artifact.revision}
    origin = origin_revision(artifact)
    return metadata | {f"{GROUP}/originRevision": origin} if origin else metadata


def tell(report: Report, message: str, artifact: Artifact, *, finished: bool = False) -> None:
    """A Normal event whose reason is that of Ready, as Flux's tools expect."""
    ready = report.conditions.find(READY)
    metadata = dict(revision_metadata(artifact))
    if finished:
        metadata[f"{GROUP}/commit_status"] = "update"
    report.tell(EventType.NORMAL, ready.reason if ready else Reason.PROGRESSING, message, metadata)


def tell_finished(report: Report, ks: Kustomization, artifact: Artifact, took: timedelta) -> None:
    message = (
        f"Reconciliation finished in {render_duration(took)}, next run in {render_duration(ks.interval)}"
    )
    tell(report, message, artifact, finished=True)
