"""Publish a chart repository's index: ask, download if it is another one, rewrite, store.

The order is that of spec source 2.2 and 10.2. Repositories of type oci are static: nothing here is done
for them, and what an earlier type left behind is removed (10.3).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from controllers.source import change
from controllers.source.charts.conditions import REPOSITORY_FAILURES, ChartReason
from controllers.source.charts.download import (
    NOTHING_KNOWN,
    CredentialsUnusable,
    Downloaded,
    DownloadFailed,
    HttpAccess,
    Validators,
    Wanted,
    download,
)
from controllers.source.charts.publishing import publish
from controllers.source.charts.repository_access import INDEX, RepositoryAccess, index_url
from controllers.source.conditions import (
    ARTIFACT_IN_STORAGE,
    ARTIFACT_OUTDATED,
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
from shared.charts.index_store import is_stored_form
from shared.git.client import Git
from shared.git.errors import GitError
from shared.logic.digest import Digest
from shared.model.artifact import Artifact
from shared.model.event import EventType
from shared.model.helm_source import HelmRepository
from shared.model.kinds import HELM_REPOSITORY
from shared.model.meta import ObjectKey
from shared.model.meta import Reason as Common
from shared.model.source import GROUP
from shared.oci.reference import shown
from shared.runtime.failure import Failure
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import admit_drift, begin
from shared.runtime.report import Report

_JOB = "controllers.source.charts.index_job:rewrite"
_REWRITING = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server said of an index, and which revision that was."""

    url: str
    revision: str
    validators: Validators


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling HelmRepositories needs of the world; `git` lends its worker processes."""

    workspaces: Path
    storage: Storage
    git: Git
    access: RepositoryAccess
    digest_algorithm: str
    max_index_bytes: int
    seen: dict[ObjectKey, Seen] = field(default_factory=dict)

    def forget(self, key: ObjectKey) -> None:
        self.seen.pop(key, None)


async def reconcile(deps: Deps, repo: HelmRepository, report: Report) -> Outcome:
    """One run for one repository with an index."""
    await begin(report)
    async with workspace(deps.workspaces, _shelf(repo), report) as folder:
        stored = await _keep_stored(deps, repo, report)
        with noting(report, FETCH_FAILED):
            access = await deps.access.http(repo)  # url, secrets -> what opens it
            fetched = await _fetch(deps, repo, access, stored, folder)  # index -> file, or still the same
        if fetched is None or change.has_revision(stored, str(fetched.digest)):
            _end_unchanged(repo, report)
        else:
            await _announce(report, stored, str(fetched.digest))
            artifact = await _store(deps, repo, report, fetched, folder)  # file -> artifact
            report.status["artifact"] = artifact.render()
            await point_at(deps.storage, report, artifact, INDEX)
            _succeed(report, artifact.revision)
            _tell_news(repo, report)
        if fetched is not None:
            deps.seen[repo.key] = Seen(repo.url, str(fetched.digest), fetched.validators)
    return Done(repo.interval)


async def finalize(deps: Deps, repo: HelmRepository, report: Report) -> None:
    """Remove what was stored for a repository that goes, or becomes static. Raises Failure."""
    deps.forget(repo.key)
    await remove_stored(deps.storage, _shelf(repo), report)


def is_static(obj: Mapping[str, Any]) -> bool:
    """Whether an object needs no controller."""
    return bool((obj.get("spec") or {}).get("type") == "oci")


async def _keep_stored(deps: Deps, repo: HelmRepository, report: Report) -> Artifact | None:
    stored = await keep_stored(deps.storage, _shelf(repo), report)
    if stored is None:
        report.status.pop("url", None)
        return None
    if "url" in report.status:
        report.status["url"] = deps.storage.url_of(f"{_shelf(repo).path}/{INDEX}")
    # Another controller's index holds the same, but look-ups could not read it.
    usable = await asyncio.to_thread(is_stored_form, deps.storage.file_of(stored))
    return stored if usable else None


async def _fetch(
    deps: Deps, repo: HelmRepository, access: HttpAccess, stored: Artifact | None, folder: Path
) -> Downloaded | None:
    """None when the server says that the stored index is still the newest. Raises Failure."""
    seen = deps.seen.get(repo.key)
    known = seen.validators if _counts(seen, repo, stored) and seen else NOTHING_KNOWN
    wanted = Wanted(index_url(repo.url), deps.max_index_bytes, repo.timeout, known=known)
    try:
        return await download(access, wanted, folder / "index")
    except CredentialsUnusable as error:
        raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error
    except DownloadFailed as error:
        message = f"failed to fetch Helm repository index: {error}"
        raise Failure(message, reason=Common.FAILED, retry_in=error.retry_in) from error


def _counts(seen: Seen | None, repo: HelmRepository, stored: Artifact | None) -> bool:
    """Whether what the server said then was about the index that is stored now."""
    return seen is not None and seen.url == repo.url and change.has_revision(stored, seen.revision)


async def _announce(report: Report, stored: Artifact | None, revision: str) -> None:
    message = f"new index revision '{revision}'"
    if stored is not None:
        report.conditions.mark_true(ARTIFACT_OUTDATED, Reason.NEW_REVISION, message)
    await admit_drift(report, f"building artifact: {message}")


async def _store(
    deps: Deps, repo: HelmRepository, report: Report, fetched: Downloaded, folder: Path
) -> Artifact:
    try:
        return await _stored(deps, repo, fetched, folder)
    except Failure as failure:
        is_content = failure.reason == ChartReason.INDEXATION_FAILED
        condition = FETCH_FAILED if is_content else STORAGE_OPERATION_FAILED
        report.conditions.mark_true(condition, failure.reason, failure.message)
        raise


async def _stored(deps: Deps, repo: HelmRepository, fetched: Downloaded, folder: Path) -> Artifact:
    shelf, name = _shelf(repo), f"index-{fetched.digest.hex}.yaml"
    try:
        with deps.storage.draft(shelf, name) as draft:
            job = {
                "source": str(folder / "index"),
                "out": str(draft),
                "algorithm": deps.digest_algorithm,
            }
            written = await deps.git.run(_JOB, job, within=_REWRITING)
            if "problem" in written:
                raise Failure(written["message"], reason=written["problem"])
            digest = Digest(deps.digest_algorithm, written["digest"])
            return await publish(deps.storage, shelf, name, draft, (str(fetched.digest), digest))
    except GitError as error:
        message = f"failed to load Helm repository index: {error}"
        raise Failure(message, reason=ChartReason.INDEXATION_FAILED) from error
    except StorageFailed as error:
        message = f"unable to save artifact to storage: {error}"
        raise Failure(message, reason=Reason.ARCHIVE_OPERATION_FAILED) from error


def _succeed(report: Report, revision: str) -> None:
    report.conditions.delete(FETCH_FAILED, ARTIFACT_OUTDATED)
    message = f"stored artifact: revision '{revision}'"
    report.conditions.mark_true(ARTIFACT_IN_STORAGE, Common.SUCCEEDED, message)


def _end_unchanged(repo: HelmRepository, report: Report) -> None:
    revision = Artifact.parse(report.status["artifact"]).revision
    _succeed(report, revision)
    if report.is_requested or report.is_new_generation:
        # Whoever asked gets an answer; a routine interval is not worth a write to the API server.
        message = f"artifact up-to-date with remote revision: '{revision}'"
        report.tell(EventType.TRACE, Reason.UP_TO_DATE, message)
    _tell_news(repo, report)


def _tell_news(repo: HelmRepository, report: Report) -> None:
    """A new artifact, or that what failed works again (spec source 4.3)."""
    artifact = Artifact.parse(report.status["artifact"])
    reason = reason_to_tell(report, repo.artifact, artifact, REPOSITORY_FAILURES)
    if reason is None:
        return
    message = f"stored fetched index of size {human_size(artifact.size or 0)} from '{shown(repo.url)}'"
    metadata = {f"{GROUP}/revision": artifact.revision, f"{GROUP}/digest": artifact.digest}
    report.tell(EventType.NORMAL, reason, message, metadata)


def human_size(size: int) -> str:
    """Decimal units, four digits: 30.88kB."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.4g}{unit}"


def _shelf(repo: HelmRepository) -> Shelf:
    return Shelf(HELM_REPOSITORY.kind, repo.key)
