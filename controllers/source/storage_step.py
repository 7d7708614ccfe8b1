"""What every source kind does first: keep its stored artifact honest (spec source 2.2)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from controllers.source.conditions import ARTIFACT_IN_STORAGE, Reason
from shared.artifacts.errors import ArtifactError, DigestMismatch, StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.model.artifact import Artifact, artifact_of
from shared.model.event import EventType
from shared.runtime.failure import Failure
from shared.runtime.progress import admit_drift
from shared.runtime.report import Report

_COLLECTION_BUDGET = timedelta(seconds=5)


async def point_at(storage: Storage, report: Report, artifact: Artifact, link: str) -> None:
    """A stable address for the newest artifact: nice to have, so its failure is only told."""
    try:
        report.status["url"] = await asyncio.to_thread(storage.point_at, artifact, link)
    except StorageFailed as error:
        report.tell(
            EventType.TRACE, Reason.SYMLINK_UPDATE_FAILED, f"failed to update status URL symlink: {error}"
        )


async def keep_stored(storage: Storage, shelf: Shelf, report: Report) -> Artifact | None:
    """Collect garbage, re-hash the current file, renew its URL. None: there is no usable artifact."""
    recorded = artifact_of(report.obj)
    held = None
    if recorded is not None and await asyncio.to_thread(storage.holds, shelf, recorded):
        held = recorded
    collected = await asyncio.to_thread(storage.collect, shelf, held, budget=_COLLECTION_BUDGET)
    if collected:
        report.tell(
            EventType.TRACE, Reason.GARBAGE_COLLECTION_SUCCEEDED, f"garbage collected {collected} artifacts"
        )
    if held is not None and await asyncio.to_thread(_is_sound, storage, held, report):
        current = replace(held, url=storage.url_of(held.path))
        report.status["artifact"] = current.render()
        return current
    report.status.pop("artifact", None)
    report.conditions.delete(ARTIFACT_IN_STORAGE)
    lost = ": disappeared from storage" if recorded else ""
    await admit_drift(report, f"building artifact{lost}")
    return None


def _is_sound(storage: Storage, artifact: Artifact, report: Report) -> bool:
    try:
        storage.verify(artifact)
    except DigestMismatch as error:
        report.tell(
            EventType.WARNING,
            Reason.ARTIFACT_VERIFICATION_FAILED,
            f"failed to verify integrity of artifact: {error}",
        )
        storage.remove(artifact)
        return False
    except ArtifactError:
        return False
    return True


async def remove_stored(storage: Storage, shelf: Shelf, report: Report) -> None:
    """Before the object goes: delete all its files. Raises Failure."""
    try:
        existed = await asyncio.to_thread(storage.remove_all, shelf)
    except StorageFailed as error:
        raise Failure(
            f"garbage collection for deleted resource failed: {error}",
            reason=Reason.GARBAGE_COLLECTION_FAILED,
        ) from error
    if existed:
        report.tell(
            EventType.TRACE,
            Reason.GARBAGE_COLLECTION_SUCCEEDED,
            "garbage collected artifacts for deleted resource",
        )
