"""Publish a layer of an OCI artifact: resolve, verify, pull, pack or copy, store.

Each step takes what the one above returned; any may raise a Failure, which the runtime turns into
conditions, an event and the next try. The order is that of spec source 2.2 and 9.2. After one
resolution everything goes by digest, so a tag that moves cannot come between verification and pull.
"""

import asyncio
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from controllers.source import change, oci_verification
from controllers.source.conditions import (
    ARTIFACT_IN_STORAGE,
    ARTIFACT_OUTDATED,
    FETCH_FAILED,
    OCI_FAILURES,
    STORAGE_OPERATION_FAILED,
    Reason,
    noting,
)
from controllers.source.news import reason_to_tell
from controllers.source.oci_access import OciAccess
from controllers.source.oci_obtain import Pulled, pull, resolve
from controllers.source.oci_reference import Target
from controllers.source.storage_step import keep_stored, point_at, remove_stored
from controllers.source.workspace import workspace
from shared.artifacts.errors import StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.git.client import Git
from shared.git.errors import GitError
from shared.kube.secrets import Secrets
from shared.logic.digest import Digest, new_hasher
from shared.model.artifact import Artifact
from shared.model.event import EventType
from shared.model.kinds import OCI_REPOSITORY
from shared.model.meta import Reason as Common
from shared.model.source import GROUP, OCI_OBSERVED_FIELDS, LayerOperation, LayerSelector, OciRepository
from shared.oci.authorization import Authorizations
from shared.oci.errors import InvalidCredentials, InvalidReference
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.oci.registry import Registry, opened
from shared.runtime.failure import Failure, Stalled
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import admit_drift, begin
from shared.runtime.report import Report

_PACKING = timedelta(minutes=10)
_CHUNK = 1024 * 1024
_LATEST = "latest.tar.gz"
_ORIGIN_SOURCE, _ORIGIN_REVISION = "org.opencontainers.image.source", "org.opencontainers.image.revision"


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling OCIRepositories needs of the world; `git` lends its worker processes."""

    workspaces: Path
    storage: Storage
    git: Git
    access: OciAccess
    secrets: Secrets
    authorizations: Authorizations
    digest_algorithm: str


async def reconcile(deps: Deps, repo: OciRepository, report: Report) -> Outcome:
    """One run for one repository."""
    await begin(report)
    async with workspace(deps.workspaces, _shelf(repo), report) as folder:
        stored = await keep_stored(deps.storage, _shelf(repo), report)
        _renew_link(deps, repo, report, stored)
        oci_verification.forget_old_verdict(repo, report)
        repository, opening = await _opening(deps, repo, report)  # url, secrets -> what opens it
        try:
            async with opened(repository, opening, deps.authorizations) as registry:
                await _publish(deps, repo, report, registry, stored=stored, folder=folder)
        except InvalidCredentials as error:
            failure = Failure(str(error), reason=Reason.AUTHENTICATION_FAILED)
            report.conditions.mark_true(FETCH_FAILED, failure.reason, failure.message)
            raise failure from error
    return Done(repo.interval)


async def finalize(deps: Deps, repo: OciRepository, report: Report) -> None:
    """Remove what was stored for a repository that goes. Raises Failure."""
    await remove_stored(deps.storage, _shelf(repo), report)


async def _publish(
    deps: Deps,
    repo: OciRepository,
    report: Report,
    registry: Registry,
    *,
    stored: Artifact | None,
    folder: Path,
) -> None:
    with noting(report, FETCH_FAILED):
        target = await resolve(registry, repo)  # spec.ref -> digest
    if not change.has_revision(stored, target.revision):
        named = registry.repository.at(target.tag or target.digest)
        await _announce(report, stored, f"new revision '{target.revision}' for '{named}'")
    if oci_verification.is_due(repo, report, stored, target):
        await oci_verification.verify(deps.secrets, registry, repo, report, target)
    if change.has_revision(stored, target.revision) and repo.content == repo.observed:
        _end_unchanged(repo, report, target)
        return
    with noting(report, FETCH_FAILED):
        pulled = await pull(registry, repo, target, folder)  # digest -> blob
    artifact = await _store(deps, repo, report, target, pulled)  # blob -> artifact
    report.conditions.delete(FETCH_FAILED)
    _record(repo, report, artifact)
    await point_at(deps.storage, report, artifact, _LATEST)
    _succeed(report, target)
    _tell_news(repo, report)


async def _opening(deps: Deps, repo: OciRepository, report: Report) -> tuple[Repository, Opening]:
    try:
        with noting(report, FETCH_FAILED):
            try:
                repository = Repository.parse(repo.url)
            except InvalidReference as error:
                raise Stalled(str(error), reason=Reason.URL_INVALID) from error
            return repository, await deps.access.opening(repo, repository)
    except Stalled as stalled:
        if stalled.reason == Reason.FEATURE_GATE_DISABLED:
            # Of all stalls this one alone is no failure to fetch (spec source 15.25).
            report.conditions.delete(FETCH_FAILED)
        raise


def _renew_link(deps: Deps, repo: OciRepository, report: Report, stored: Artifact | None) -> None:
    """The host of status.url follows the advertised address, as that of the artifact does."""
    if stored is None:
        report.status.pop("url", None)
    elif "url" in report.status:
        report.status["url"] = deps.storage.url_of(f"{_shelf(repo).path}/{_LATEST}")


async def _announce(report: Report, stored: Artifact | None, message: str) -> None:
    if stored is not None:
        report.conditions.mark_true(ARTIFACT_OUTDATED, Reason.NEW_REVISION, message)
    await admit_drift(report, f"building artifact: {message}")


async def _store(deps: Deps, repo: OciRepository, report: Report, target: Target, pulled: Pulled) -> Artifact:
    try:
        return await _stored(deps, repo, target, pulled)
    except Failure as failure:
        is_layer = failure.reason == Reason.OCI_LAYER_OPERATION_FAILED
        condition = FETCH_FAILED if is_layer else STORAGE_OPERATION_FAILED
        report.conditions.mark_true(condition, failure.reason, failure.message)
        raise


async def _stored(deps: Deps, repo: OciRepository, target: Target, pulled: Pulled) -> Artifact:
    shelf, name = _shelf(repo), f"{target.digest}.tar.gz"
    selector = repo.content.layer or LayerSelector()
    try:
        with deps.storage.draft(shelf, name) as draft:
            if selector.operation is LayerOperation.COPY:
                digest = await asyncio.to_thread(_copy, pulled.blob, draft, deps.digest_algorithm)
            else:
                digest = await _pack(deps, repo, pulled, draft)
            artifact = await asyncio.to_thread(
                deps.storage.publish, shelf, name, draft, revision=target.revision, digest=digest
            )
            return replace(artifact, metadata=dict(pulled.annotations))
    except (StorageFailed, GitError, OSError) as error:
        message = f"unable to archive artifact to storage: {error}"
        raise Failure(message, reason=Reason.ARCHIVE_OPERATION_FAILED) from error


def _copy(blob: Path, draft: Path, algorithm: str) -> Digest:
    shutil.copyfile(blob, draft)
    hasher = new_hasher(algorithm)
    with draft.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return Digest(algorithm, hasher.hexdigest())


async def _pack(deps: Deps, repo: OciRepository, pulled: Pulled, draft: Path) -> Digest:
    folder = pulled.blob.with_name("content")
    await asyncio.to_thread(folder.mkdir)
    job = {
        "blob": str(pulled.blob),
        "folder": str(folder),
        "out": str(draft),
        "algorithm": deps.digest_algorithm,
        "ignore": repo.content.ignore,
    }
    packed = await deps.git.run("controllers.source.layer_packing:pack_layer", job, within=_PACKING)
    if "problem" in packed:
        raise Failure(packed["message"], reason=packed["problem"])
    return Digest.parse(packed["digest"])


def _record(repo: OciRepository, report: Report, artifact: Artifact) -> None:
    """What was stored, and from what, so that the next run can tell what changed."""
    for field in OCI_OBSERVED_FIELDS:
        report.status.pop(field, None)
    report.status["artifact"] = artifact.render()
    report.status |= repo.content.render_observed()


def _succeed(report: Report, target: Target) -> None:
    report.conditions.delete(ARTIFACT_OUTDATED)
    message = f"stored artifact for digest '{target.revision}'"
    report.conditions.mark_true(ARTIFACT_IN_STORAGE, Common.SUCCEEDED, message)


def _end_unchanged(repo: OciRepository, report: Report, target: Target) -> None:
    report.conditions.delete(FETCH_FAILED)
    _succeed(report, target)
    if report.is_requested or report.is_new_generation:
        # Whoever asked gets an answer; a routine interval is not worth a write to the API server.
        message = f"artifact up-to-date with remote revision: '{target.revision}'"
        report.tell(EventType.TRACE, Reason.UP_TO_DATE, message)
    _tell_news(repo, report)


def _tell_news(repo: OciRepository, report: Report) -> None:
    """A new artifact, or that what failed works again (spec source 4.3)."""
    artifact = Artifact.parse(report.status["artifact"])
    reason = reason_to_tell(report, repo.artifact, artifact, OCI_FAILURES)
    if reason is None:
        return
    message = f"stored artifact with revision '{artifact.revision}' from '{repo.url}'"
    source, revision = (artifact.metadata.get(key) for key in (_ORIGIN_SOURCE, _ORIGIN_REVISION))
    if source and revision:
        message += f", origin source '{source}', origin revision '{revision}'"
    metadata = {f"{GROUP}/revision": artifact.revision, f"{GROUP}/digest": artifact.digest}
    report.tell(EventType.NORMAL, reason, message, metadata)


def _shelf(repo: OciRepository) -> Shelf:
    return Shelf(OCI_REPOSITORY.kind, repo.key)
