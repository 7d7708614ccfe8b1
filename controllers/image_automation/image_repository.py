"""Keep the list of an image's tags: name, open, decide, scan, report (specs/image.md 3 and 4)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from controllers.image_automation.access import ImageAccess
from controllers.image_automation.busy import pause_of
from controllers.image_automation.image_name import parse_image
from controllers.image_automation.reasons import Reason
from controllers.image_automation.scan_due import NO_TAGS, Situation, reason_to_scan, until_due
from controllers.image_automation.scanner import Scanner, Target
from controllers.image_automation.tag_store import StoreFailed, TagStore
from controllers.image_automation.tags import TooManyTags
from shared.cloud.errors import CloudError
from shared.logic.regex import InvalidRegex
from shared.logic.secret import SecretUnusable
from shared.model.duration import render_duration
from shared.model.event import EventType
from shared.model.image import ImageRepository, ScanResult
from shared.model.meta import READY, RECONCILING
from shared.model.meta import Reason as Common
from shared.oci.errors import InvalidCredentials, InvalidReference, OciError, TooManyRequests
from shared.oci.opening import Opening
from shared.oci.reference import Repository
from shared.runtime.failure import Failure, Stalled
from shared.runtime.identities import IdentityDisabled
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import admit_drift, begin
from shared.runtime.report import Report

_CONFIGURING = "failed to configure authentication options"
# An interval of nothing must not keep a registry busy.
_SHORTEST_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling ImageRepositories needs of the world."""

    access: ImageAccess
    scanner: Scanner
    store: TagStore


async def reconcile(deps: Deps, repo: ImageRepository, report: Report) -> Outcome:
    """One run for one repository. Raises Failure and Stalled with the reasons of specs/image.md 3.3."""
    if deps.access.is_disabled(repo):
        raise Stalled(str(IdentityDisabled()), reason=Reason.FEATURE_GATE_DISABLED)
    await begin(report)
    repository = named(repo.image)
    until = asyncio.get_running_loop().time() + repo.timeout.total_seconds()
    async with _until(until, repo, _CONFIGURING, Reason.AUTHENTICATION_FAILED):
        opening = await open_with(deps.access, repo, repository)
    situation = await _situation(deps, repo, repository, report)
    why = reason_to_scan(situation)
    result = repo.last_scan
    if why is not None:
        await _announce(repo, report, why)
        async with _until(until, repo, "scan failed", Reason.READ_OPERATION_FAILED):
            result = await _scan(deps, repo, repository, opening, situation)
    assert result is not None, "without a result, a scan was due"
    again_in = max(min(until_due(repo, result, report.now), repo.interval), _SHORTEST_PAUSE)
    _succeed(repo, report, result, canonical_name=str(repository))
    _tell(repo, report, result, scanned=why is not None, again_in=again_in)
    return Done(again_in)


async def finalize(deps: Deps, repo: ImageRepository, report: Report) -> None:
    """Remove the stored tags of a repository that goes. Raises Failure."""
    del report
    try:
        await asyncio.to_thread(deps.store.remove, repo.key)
    except StoreFailed as error:
        raise Failure(str(error)) from error


def named(image: str) -> Repository:
    """Raises Stalled."""
    try:
        return parse_image(image)
    except InvalidReference as error:
        raise Stalled(str(error), reason=Reason.IMAGE_URL_INVALID) from error


async def open_with(access: ImageAccess, repo: ImageRepository, repository: Repository) -> Opening:
    """Raises Failure."""
    try:
        return await access.opening(repo, repository)
    except (SecretUnusable, InvalidCredentials) as error:
        raise Failure(f"{_CONFIGURING}: {error}", reason=Reason.AUTHENTICATION_FAILED) from error


async def _situation(deps: Deps, repo: ImageRepository, repository: Repository, report: Report) -> Situation:
    try:
        has_tags = await asyncio.to_thread(deps.store.holds, repo.key, str(repository))
    except StoreFailed as error:
        raise Failure(f"failed to determine if it's scan time: {error}", reason=Reason.FAILURE) from error
    return Situation(repo, str(repository), report.is_requested, has_tags, report.now)


async def _announce(repo: ImageRepository, report: Report, why: str) -> None:
    message = f"scanning: {why}"
    if why == NO_TAGS and repo.last_scan is not None and repo.last_scan.tag_count:
        # What the status promises was lost: who waits for the tags must see when they are back.
        await admit_drift(report, message)
        return
    report.conditions.mark_true(RECONCILING, Common.PROGRESSING, message)
    if report.conditions.is_unknown(READY):
        report.conditions.mark_unknown(READY, Common.PROGRESSING, message)


async def _scan(
    deps: Deps, repo: ImageRepository, repository: Repository, opening: Opening, situation: Situation
) -> ScanResult:
    try:
        opening = await deps.access.log_in(repo, repository, opening)
        target = Target(repository, opening, frozenset(repo.exclusions))
        # An own scan is spared where, by that of somebody else, none would be due yet.
        age = timedelta(0) if situation.requested else max(repo.interval - _SHORTEST_PAUSE, timedelta(0))
        found = await deps.scanner.scan(repo.key, target, not_before=situation.now - age)
    except TooManyRequests as error:
        raise Failure(
            f"scan failed: {error}", reason=Reason.READ_OPERATION_FAILED, retry_in=pause_of(error)
        ) from error
    except (OciError, CloudError, InvalidRegex, TooManyTags, StoreFailed) as error:
        raise Failure(f"scan failed: {error}", reason=Reason.READ_OPERATION_FAILED) from error
    listing = found.listing
    return ScanResult(listing.revision, listing.count, found.at, listing.latest)


def _succeed(repo: ImageRepository, report: Report, result: ScanResult, *, canonical_name: str) -> None:
    report.status["canonicalImageName"] = canonical_name
    report.status["observedExclusionList"] = list(repo.exclusions)
    report.status["lastScanResult"] = result.render()
    message = f"successful scan: found {result.tag_count} tags with checksum {result.revision}"
    report.conditions.mark_true(READY, Common.SUCCEEDED, message)


def _tell(
    repo: ImageRepository, report: Report, result: ScanResult, *, scanned: bool, again_in: timedelta
) -> None:
    """News when it became ready or found other tags; else an answer for whoever asked (specs/image.md 20)."""
    ready, before = report.conditions.find(READY), report.before.find(READY)
    assert ready is not None, "it was just set"
    if not report.before.ready or before is None or before.message != ready.message:
        report.tell(EventType.NORMAL, Common.SUCCEEDED, ready.message)
    elif report.is_requested or report.is_new_generation:
        soon = f"next scan in {render_duration(again_in)}"
        last = repo.last_scan
        if not scanned:
            words = "no change in repository configuration since last scan"
        elif last is not None and last.revision == result.revision:
            words = "tags did not change"
        else:
            words = "successful scan"
        report.tell(EventType.TRACE, Common.SUCCEEDED, f"{words}, {soon}")


@contextlib.asynccontextmanager
async def _until(moment: float, repo: ImageRepository, doing: str, reason: Reason) -> AsyncIterator[None]:
    """Bound what is done inside by the clock of the loop. Raises Failure."""
    try:
        async with asyncio.timeout_at(moment):
            yield
    except TimeoutError as error:
        message = f"{doing}: timed out after {render_duration(repo.timeout)}"
        raise Failure(message, reason=reason) from error
