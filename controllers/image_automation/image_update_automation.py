"""Write the images that policies chose into git: select, open, check out, edit, commit, push.

Each step takes what the one above returned; any may raise a Failure (specs/image.md 11).
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from controllers.image_automation.checkout import Checkout, is_known
from controllers.image_automation.image_update_policies import Policies
from controllers.image_automation.image_update_reasons import Reason, SourceUpdateFailed
from controllers.image_automation.image_update_source import Source, Sources
from controllers.image_automation.image_update_steps import Pushed, Tools, Try
from shared.git.errors import PushRaced
from shared.logic.revision import render_revision
from shared.model.event import EventType
from shared.model.image import ImageRef
from shared.model.image_update import SETTERS, ImageUpdateAutomation
from shared.model.meta import READY, render_time
from shared.model.meta import Reason as Common
from shared.runtime.failure import Stalled
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import begin
from shared.runtime.report import Report

_UP_TO_DATE = "repository up-to-date"
_SKIPPED = "no change since last reconciliation"
# How often somebody else may be faster before the queue's growing delays take over.
_TRIES = 3

log = structlog.get_logger()

Images = Mapping[str, ImageRef]


@dataclass(frozen=True, slots=True)
class Deps:
    """What automations need of the world; `workspaces` is a directory of our own."""

    policies: Policies
    sources: Sources
    tools: Tools
    workspaces: Path


async def reconcile(deps: Deps, automation: ImageUpdateAutomation, report: Report) -> Outcome:
    """One run for one automation. Raises Failure and Stalled with the reasons of specs/image.md 10.3."""
    report.status["lastAutomationRunTime"] = render_time(report.now)
    await begin(report)
    images = await deps.policies.selected(automation)  # policies -> images
    source = await deps.sources.open(automation)  # sourceRef -> what opens it
    _require_strategy(automation)
    for left in reversed(range(_TRIES)):
        async with _folder(deps.workspaces) as folder:
            try:
                await _run(Try(deps.tools, automation, source, folder), report, images)
                break
            except PushRaced as error:
                if not left:
                    raise SourceUpdateFailed(f"failed to push to remote: {error}") from error
                log.info("somebody else was faster, starting again", error=str(error))
    return Done(automation.interval)


async def finalize(deps: Deps, automation: ImageUpdateAutomation, report: Report) -> None:
    """Nothing outside of the object is its own: commits stay."""
    del deps, automation, report


async def _run(attempt: Try, report: Report, images: Images) -> None:
    automation, source = attempt.automation, attempt.source
    target = await attempt.find()
    observed = automation.observed_source_revision
    if not _needs_full_run(automation, source, images) and is_known(source.branches, target, observed):
        _succeed(report, _SKIPPED)
        return
    checkout = await attempt.check_out(target)
    edited = await attempt.edit(checkout, images)
    pushed = await attempt.commit(checkout, edited) if edited["tree"] else None
    _record(report, source, images, checkout, pushed)
    _succeed(report, _UP_TO_DATE, _news(source, pushed) if pushed else "")


def _needs_full_run(automation: ImageUpdateAutomation, source: Source, images: Images) -> bool:
    """Another branch or ref may have been changed by anybody; and other images change files."""
    changed = dict(images) != dict(automation.observed_policies)
    return source.branches.switches or bool(source.refspec) or changed


def _require_strategy(automation: ImageUpdateAutomation) -> None:
    strategy = automation.update.strategy
    if strategy != SETTERS:
        raise Stalled(f"unsupported update strategy: {strategy}", reason=Reason.INVALID_UPDATE_STRATEGY)


@contextlib.asynccontextmanager
async def _folder(parent: Path) -> AsyncIterator[Path]:
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=parent))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _record(
    report: Report, source: Source, images: Images, checkout: Checkout, pushed: Pushed | None
) -> None:
    """Only what has succeeded is remembered, so that the next run makes up for what has not."""
    status, branches = report.status, source.branches
    status["observedPolicies"] = {name: image.render() for name, image in images.items()}
    status["observedSourceRevision"] = checkout.target.revision
    if pushed is None:
        return
    if not branches.switches:
        status["observedSourceRevision"] = render_revision(branches.push, pushed.commit)
    status["lastPushCommit"] = pushed.commit
    status["lastPushTime"] = render_time(datetime.now(UTC))


def _succeed(report: Report, quiet_message: str, news: str = "") -> None:
    """Tell of a push, and of a recovery; everything else is a trace (specs/image.md 20)."""
    report.conditions.mark_true(READY, Common.SUCCEEDED, _UP_TO_DATE)
    if news:
        report.tell(EventType.NORMAL, Common.SUCCEEDED, news)
    elif not report.before.ready:
        report.tell(EventType.NORMAL, Common.SUCCEEDED, _UP_TO_DATE)
    else:
        report.tell(EventType.TRACE, Common.SUCCEEDED, quiet_message)


def _news(source: Source, pushed: Pushed) -> str:
    also = f" and refspecs '{source.refspec}'" if source.refspec else ""
    return f"pushed commit '{pushed.commit[:7]}' to branch '{source.branches.push}'{also}\n{pushed.message}"
