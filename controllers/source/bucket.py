"""Publish the objects of a bucket as an artifact: list, fetch what changed, pack, store.

Each step takes what the one above returned; any may raise a Failure, which the runtime turns into
conditions, an event and the next try. The order is that of spec source 2.2 and 12.2.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controllers.source import change
from controllers.source.buckets.access import BucketAccess
from controllers.source.buckets.fetching import Found, fetch, find
from controllers.source.conditions import (
    ARTIFACT_IN_STORAGE,
    ARTIFACT_OUTDATED,
    BUCKET_FAILURES,
    FETCH_FAILED,
    STORAGE_OPERATION_FAILED,
    Reason,
    noting,
)
from controllers.source.news import reason_to_tell
from controllers.source.storage_step import keep_stored, point_at, remove_stored
from controllers.source.workspace import workspace
from shared.artifacts.errors import StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.git.client import Git
from shared.git.errors import GitError
from shared.logic.digest import Digest
from shared.model.artifact import Artifact
from shared.model.bucket import Bucket
from shared.model.event import EventType
from shared.model.kinds import BUCKET
from shared.model.meta import Reason as Common
from shared.model.source import GROUP
from shared.runtime.failure import Failure
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import admit_drift, begin
from shared.runtime.report import Report

_PACKING = timedelta(minutes=10)
_LATEST = "latest.tar.gz"


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling Buckets needs of the world; `git` lends its worker processes."""

    workspaces: Path
    storage: Storage
    git: Git
    access: BucketAccess
    digest_algorithm: str


async def reconcile(deps: Deps, bucket: Bucket, report: Report) -> Outcome:
    """One run for one bucket."""
    await begin(report)
    async with workspace(deps.workspaces, _shelf(bucket), report) as folder:
        stored = await keep_stored(deps.storage, _shelf(bucket), report)
        _renew_link(deps, bucket, report, stored)
        with noting(report, FETCH_FAILED):
            async with deps.access.opened(bucket) as store:  # secrets -> what opens the bucket
                found = await find(store, bucket, folder, deps.digest_algorithm)  # keys and etags
                if change.has_revision(stored, found.revision):
                    _end_unchanged(bucket, report, found)
                    return Done(bucket.interval)
                found = await fetch(store, bucket, found, folder, deps.digest_algorithm)  # keys -> files
        report.conditions.delete(FETCH_FAILED)
        await _announce(report, stored, found)
        if not change.has_revision(stored, found.revision):
            with noting(report, STORAGE_OPERATION_FAILED):
                artifact = await _store(deps, bucket, found, folder)  # files -> artifact
            _record(bucket, report, artifact)
            await point_at(deps.storage, report, artifact, _LATEST)
    _succeed(report, found)
    _tell_news(bucket, report, found)
    return Done(bucket.interval)


async def finalize(deps: Deps, bucket: Bucket, report: Report) -> None:
    """Remove what was stored for a bucket that goes. Raises Failure."""
    await remove_stored(deps.storage, _shelf(bucket), report)


def _renew_link(deps: Deps, bucket: Bucket, report: Report, stored: Artifact | None) -> None:
    """The host of status.url follows the advertised address, as that of the artifact does."""
    if stored is None:
        report.status.pop("url", None)
    elif "url" in report.status:
        report.status["url"] = deps.storage.url_of(f"{_shelf(bucket).path}/{_LATEST}")


async def _announce(report: Report, stored: Artifact | None, found: Found) -> None:
    if change.has_revision(stored, found.revision):
        return
    message = f"new upstream revision '{found.revision}'"
    if stored is not None:
        report.conditions.mark_true(ARTIFACT_OUTDATED, Reason.NEW_REVISION, message)
    await admit_drift(report, f"building artifact: {message}")


async def _store(deps: Deps, bucket: Bucket, found: Found, folder: Path) -> Artifact:
    shelf, name = _shelf(bucket), f"{found.revision.partition(':')[2]}.tar.gz"
    try:
        with deps.storage.draft(shelf, name) as draft:
            job = {"out": str(draft), "folder": str(folder), "algorithm": deps.digest_algorithm}
            packed = await deps.git.run("controllers.source.bucket_packing:pack_folder", job, within=_PACKING)
            if "problem" in packed:
                raise Failure(packed["message"], reason=packed["problem"])
            digest = Digest.parse(packed["digest"])
            return await asyncio.to_thread(
                deps.storage.publish, shelf, name, draft, revision=found.revision, digest=digest
            )
    except (StorageFailed, GitError) as error:
        message = f"unable to archive artifact to storage: {error}"
        raise Failure(message, reason=Reason.ARCHIVE_OPERATION_FAILED) from error


def _record(bucket: Bucket, report: Report, artifact: Artifact) -> None:
    report.status["artifact"] = artifact.render()
    report.status.pop("observedIgnore", None)
    if bucket.ignore is not None:
        report.status["observedIgnore"] = bucket.ignore


def _succeed(report: Report, found: Found) -> None:
    report.conditions.delete(ARTIFACT_OUTDATED)
    message = f"stored artifact: revision '{found.revision}'"
    report.conditions.mark_true(ARTIFACT_IN_STORAGE, Common.SUCCEEDED, message)


def _end_unchanged(bucket: Bucket, report: Report, found: Found) -> None:
    report.conditions.delete(FETCH_FAILED)
    if bucket.ignore is None:
        report.status.pop("observedIgnore", None)
    else:
        report.status["observedIgnore"] = bucket.ignore
    _succeed(report, found)
    if report.is_requested or report.is_new_generation:
        # Whoever asked gets an answer; a routine interval is not worth a write to the API server.
        message = f"artifact up-to-date with remote revision: '{found.revision}'"
        report.tell(EventType.TRACE, Reason.UP_TO_DATE, message)
    _tell_news(bucket, report, found)


def _tell_news(bucket: Bucket, report: Report, found: Found) -> None:
    """A new artifact, or that what failed works again (spec source 4.3)."""
    artifact = Artifact.parse(report.status["artifact"])
    reason = reason_to_tell(report, bucket.artifact, artifact, BUCKET_FAILURES)
    if reason is None:
        return
    files = len(found.chosen.objects)
    message = f"stored artifact with {files} fetched files from '{bucket.bucket_name}' bucket"
    metadata = {f"{GROUP}/revision": artifact.revision, f"{GROUP}/digest": artifact.digest}
    report.tell(EventType.NORMAL, reason, message, metadata)


def _shelf(bucket: Bucket) -> Shelf:
    return Shelf(BUCKET.kind, bucket.key)
