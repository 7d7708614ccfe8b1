"""Publish a git repository's content as an artifact: resolve, fetch, verify, pack, store.

Each step takes what the one above returned; any may raise a Failure, which the runtime turns into
conditions, an event and the next try. The order is that of spec source 2.2 and 8.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from controllers.source import change
from controllers.source.access import remote_for
from controllers.source.conditions import (
    ARTIFACT_IN_STORAGE,
    ARTIFACT_OUTDATED,
    FETCH_FAILED,
    GIT_FAILURES,
    STORAGE_OPERATION_FAILED,
    Reason,
    noting,
)
from controllers.source.includes import Includes
from controllers.source.news import reason_to_tell
from controllers.source.obtain import Checkout, fetch, resolve
from controllers.source.storage_step import keep_stored, remove_stored
from controllers.source.tree_path import inside
from controllers.source.verification import forget_old_verdict, verify
from controllers.source.workspace import workspace
from shared.artifacts.errors import StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.git import reference
from shared.git.access import Access
from shared.git.client import Git
from shared.git.errors import GitError
from shared.git.reference import Target
from shared.kube.secrets import Secrets
from shared.logic.digest import Digest
from shared.model.artifact import Artifact
from shared.model.event import EventType
from shared.model.kinds import GIT_REPOSITORY
from shared.model.meta import Reason as Common
from shared.model.source import GROUP, OBSERVED_FIELDS, GitRepository
from shared.runtime.failure import Failure
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import admit_drift, begin
from shared.runtime.report import Report

_PACKING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling GitRepositories needs of the world; `workspaces` is a directory of our own."""

    workspaces: Path
    storage: Storage
    git: Git
    access: Access
    secrets: Secrets
    includes: Includes
    digest_algorithm: str


async def reconcile(deps: Deps, repo: GitRepository, report: Report) -> Outcome:
    """One run for one repository."""
    await begin(report)
    async with workspace(deps.workspaces, _shelf(repo), report) as folder:
        stored = await keep_stored(deps.storage, _shelf(repo), report)
        forget_old_verdict(repo, report)
        with noting(report, FETCH_FAILED):
            remote = await remote_for(deps.access, repo)  # secrets -> what opens the remote
        included = await _included(deps, repo, report)  # spec.include -> artifacts
        with noting(report, FETCH_FAILED):
            target = await resolve(deps.git, repo, remote, folder)  # spec.ref -> commit
            if _is_known(repo, report, stored, target, included):
                _end_unchanged(repo, report, target)
                return Done(repo.interval)
            checkout = await fetch(deps.git, repo, remote, target, folder)  # commit -> objects
        report.conditions.delete(FETCH_FAILED)
        await verify(deps.git, deps.secrets, repo, report, checkout)
        await _announce(report, stored, checkout.target)
        if _is_current(repo, stored, checkout.target, included):
            message = f"artifact up-to-date with remote revision: '{checkout.target.revision}'"
            report.tell(EventType.TRACE, Reason.UP_TO_DATE, message)
        else:
            content = await deps.includes.unpacked(repo, report, included, folder)
            with noting(report, STORAGE_OPERATION_FAILED):
                artifact = await _store(deps, repo, checkout, content)  # objects -> artifact
            _record(repo, report, artifact, included)
    _succeed(report, checkout.target)
    _tell_news(repo, report, checkout.commit.subject)
    return Done(repo.interval)


async def finalize(deps: Deps, repo: GitRepository, report: Report) -> None:
    """Remove what was stored for a repository that goes. Raises Failure."""
    await remove_stored(deps.storage, _shelf(repo), report)


async def _included(deps: Deps, repo: GitRepository, report: Report) -> list[Artifact]:
    found = await deps.includes.artifacts(repo, report)
    if change.included_changed(repo.included_artifacts, found):
        message = "included artifacts differ from last observed includes"
        if repo.included_artifacts:
            report.conditions.mark_true(ARTIFACT_OUTDATED, Reason.INCLUDE_CHANGE, message)
        await admit_drift(report, f"building artifact: {message}")
    return found


def _is_known(
    repo: GitRepository, report: Report, stored: Artifact | None, target: Target, included: Sequence[Artifact]
) -> bool:
    """Whether there is no need to fetch.

    Flux fetches versions and pinned commits at every interval. Here a routine interval does so only
    where signatures are checked, so that changed keys take effect; a new spec or a request always does.
    """
    routine = not (report.is_new_generation or report.is_requested or repo.verification)
    return (
        report.conditions.is_true(ARTIFACT_IN_STORAGE)
        and _is_current(repo, stored, target, included)
        and not change.verification_wanted(repo)
        and (routine or reference.is_cheap(repo.reference))
    )


def _is_current(
    repo: GitRepository, stored: Artifact | None, target: Target, included: Sequence[Artifact]
) -> bool:
    return change.has_revision(stored, target.revision) and not change.content_changed(repo, included)


async def _announce(report: Report, stored: Artifact | None, target: Target) -> None:
    if change.has_revision(stored, target.revision):
        return
    message = f"new upstream revision '{target.revision}'"
    if stored is not None:
        report.conditions.mark_true(ARTIFACT_OUTDATED, Reason.NEW_REVISION, message)
    await admit_drift(report, f"building artifact: {message}")


async def _store(
    deps: Deps, repo: GitRepository, checkout: Checkout, includes: list[dict[str, Any]]
) -> Artifact:
    shelf, name = _shelf(repo), f"{checkout.commit.hash}.tar.gz"
    try:
        with deps.storage.draft(shelf, name) as draft:
            job = {
                "out": str(draft),
                "algorithm": deps.digest_algorithm,
                "repository": str(checkout.repository),
                "commit": checkout.commit.hash,
                "modules": [asdict(module) for module in checkout.modules],
                "sparse": [inside(path) for path in repo.content.sparse_checkout],
                "ignore": repo.content.ignore,
                "includes": includes,
            }
            packed = await deps.git.run("controllers.source.packing:pack_commit", job, within=_PACKING)
            if "problem" in packed:
                raise Failure(packed["message"], reason=packed["problem"])
            digest, revision = Digest.parse(packed["digest"]), checkout.target.revision
            return await asyncio.to_thread(
                deps.storage.publish, shelf, name, draft, revision=revision, digest=digest
            )
    except (StorageFailed, GitError) as error:
        message = f"unable to archive artifact to storage: {error}"
        raise Failure(message, reason=Reason.ARCHIVE_OPERATION_FAILED) from error


def _record(repo: GitRepository, report: Report, artifact: Artifact, included: Sequence[Artifact]) -> None:
    """What was stored, and from what, so that the next run can tell what changed."""
    for field in (*OBSERVED_FIELDS, "includedArtifacts"):
        report.status.pop(field, None)
    report.status["artifact"] = artifact.render()
    report.status |= repo.content.render_observed()
    if included:
        report.status["includedArtifacts"] = [item.render() for item in included]


def _succeed(report: Report, target: Target) -> None:
    report.conditions.delete(ARTIFACT_OUTDATED)
    message = f"stored artifact for revision '{target.revision}'"
    report.conditions.mark_true(ARTIFACT_IN_STORAGE, Common.SUCCEEDED, message)


def _end_unchanged(repo: GitRepository, report: Report, target: Target) -> None:
    report.conditions.delete(FETCH_FAILED)
    _succeed(report, target)
    if report.is_requested or report.is_new_generation:
        # Whoever asked gets an answer; a routine interval is not worth a write to the API server.
        message = f"no changes since last reconciliation: observed revision '{target.revision}'"
        report.tell(EventType.TRACE, Reason.GIT_OPERATION_SUCCEEDED, message)
    _tell_news(repo, report, target.revision)


def _tell_news(repo: GitRepository, report: Report, subject: str) -> None:
    """A new artifact, or that what failed works again (spec source 4.3)."""
    artifact = Artifact.parse(report.status["artifact"])
    reason = reason_to_tell(report, repo.artifact, artifact, GIT_FAILURES)
    if reason is None:
        return
    metadata = {f"{GROUP}/revision": artifact.revision, f"{GROUP}/digest": artifact.digest}
    report.tell(EventType.NORMAL, reason, f"stored artifact for commit '{subject}'", metadata)


def _shelf(repo: GitRepository) -> Shelf:
    return Shelf(GIT_REPOSITORY.kind, repo.key)
