"""Tell of drift, and correct it (specs/helm.md 11, 15)."""

from __future__ import annotations

import structlog

from controllers.helm import telling
from controllers.helm.actions.errors import ObjectsFailed
from controllers.helm.actions.objects import ManifestUnusable
from controllers.helm.conditions import DRIFTED
from controllers.helm.drift import Drift, DriftFound, Rules
from controllers.helm.release.record import Release
from controllers.helm.session import Session
from controllers.helm.step_errors import StepFailed
from shared.kube.errors import KubeError
from shared.logic.drift_ignore import InvalidIgnoreRule
from shared.model.event import EventType

log = structlog.get_logger()
_UNKNOWN = "unable to determine cluster state"


async def detect_drift(session: Session, release: Release) -> DriftFound:
    """Raises StepFailed when nothing differs, but not everything could be looked at."""
    # Whatever is told from now on may be after the look.
    session.memory.drifted = False
    try:
        found = await _drift(session).detect(release)
    except (ObjectsFailed, ManifestUnusable, KubeError, InvalidIgnoreRule) as error:
        raise StepFailed(f"{_UNKNOWN}: {error}") from error
    if found.errors and not found.differences:
        raise StepFailed(f"{_UNKNOWN}: {'; '.join(found.errors[:10])}")
    if found.errors:
        log.error("not every object could be compared", errors=found.errors[:10])
    return found


def tell_drift(session: Session, found: DriftFound) -> None:
    latest = session.latest
    message = (
        f"Cluster state of release {latest.full_name} has drifted from the desired state:\n{found.summary()}"
    )
    session.report.conditions.mark_true(DRIFTED, "DriftDetected", message)
    about = telling.About.snapshot(latest)
    telling.tell(session.report, EventType.WARNING, "DriftDetected", message, about)


def tell_no_drift(session: Session) -> None:
    message = "No drift detected against the cluster state"
    session.report.conditions.mark_false(DRIFTED, "NoDriftDetected", message)


async def correct_drift(session: Session) -> None:
    """What could not be corrected is told, and found again by the next look. Raises StepFailed."""
    release = await session.tools.storage.last()
    if release is None:
        return
    found = await detect_drift(session, release)
    if not found.differences:
        return
    done, failed = await _drift(session).correct(found)
    name, about = session.latest.full_name, telling.About.snapshot(session.latest)
    if not failed:
        message = f"Cluster state of release {name} has been corrected:\n" + "\n".join(done)
        telling.tell(session.report, EventType.NORMAL, "DriftCorrected", message, about)
        return
    partially = "partially " if done else ""
    message = f"Failed to {partially}correct cluster state of release {name}:\n" + "\n".join(failed)
    if done:
        message += "\n\nSuccessful corrections:\n" + "\n".join(done)
    telling.tell(session.report, EventType.WARNING, "DriftCorrectionFailed", message, about)


def _drift(session: Session) -> Drift:
    rules = Rules.parse(session.hr.drift.ignore, session.options.override_managers)
    return Drift(session.tools, rules, session.memory.known)
