"""Choose the latest tag of an image: refer, read, filter, choose, reflect, report (specs/image.md 7-9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from controllers.image_automation.access import ImageAccess
from controllers.image_automation.choice import Choose, InvalidPolicy, NoChoice, chooser
from controllers.image_automation.image_repository import named
from controllers.image_automation.reasons import Reason
from controllers.image_automation.referrals import Referrals
from controllers.image_automation.reflection import Reflection, needs_digest
from controllers.image_automation.tag_filter import ExtractTooLong, Filter
from controllers.image_automation.tag_store import Stamp, StoreFailed, TagStore
from shared.logic.regex import InvalidRegex
from shared.model.event import EventType
from shared.model.image import DigestPolicy, ImagePolicy, ImageRef, ImageRepository, PolicyRule, TagFilter
from shared.model.meta import READY, ObjectKey
from shared.model.meta import Reason as Common
from shared.oci.reference import Repository
from shared.runtime.failure import Failure, Stalled
from shared.runtime.identities import IdentityDisabled
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import begin
from shared.runtime.report import Report

_DEFAULT_INTERVAL = timedelta(minutes=10)
_NO_INTERVAL = "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'"
_IN_REPOSITORY = "spec.serviceAccountName in the ImageRepository"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a tag was chosen from and by, so that it is not chosen again from and by the same."""

    stamp: Stamp
    rule: PolicyRule
    filter: TagFilter | None
    tag: str


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling ImagePolicies needs of the world; `rescan` wakes an ImageRepository."""

    access: ImageAccess
    referrals: Referrals
    reflection: Reflection
    store: TagStore
    requeue: timedelta
    rescan: Callable[[ObjectKey], None]
    memory: dict[ObjectKey, Remembered] = field(default_factory=dict)

    def forget(self, key: ObjectKey) -> None:
        self.memory.pop(key, None)


async def reconcile(deps: Deps, policy: ImagePolicy, report: Report) -> Outcome:
    """One run for one policy. Raises Failure and Stalled with the reasons of specs/image.md 7.5."""
    if policy.digest_policy is DigestPolicy.ALWAYS and policy.interval is None:
        raise Stalled(_NO_INTERVAL, reason=Reason.INTERVAL_NOT_CONFIGURED)
    await begin(report)
    repo = await deps.referrals.repository(policy.key.namespace, policy.repository)
    repository = named(repo.image)
    if deps.access.is_disabled(repo):
        raise Stalled(str(IdentityDisabled(_IN_REPOSITORY)), reason=Reason.FEATURE_GATE_DISABLED)
    choose, keep = _compiled(policy)
    tag = await _latest(deps, policy, repository, choose, keep)
    if tag is None:
        raise _no_tags(deps, repo, repository)
    digest = await _digest(deps, policy, repo, repository, tag)
    _record(policy, report, ImageRef(repo.image, tag, digest))
    _tell(report)
    if policy.digest_policy is DigestPolicy.ALWAYS:
        return Done(policy.interval or _DEFAULT_INTERVAL)
    return Done(None)


async def finalize(deps: Deps, policy: ImagePolicy, report: Report) -> None:
    """Nothing outside of the object was made."""
    del report
    deps.forget(policy.key)


def _compiled(policy: ImagePolicy) -> tuple[Choose, Filter | None]:
    try:
        choose = chooser(policy.rule)
    except InvalidPolicy as error:
        raise Stalled(f"invalid policy: {error}", reason=Reason.INVALID_POLICY) from error
    try:
        return choose, None if policy.filter is None else Filter(policy.filter)
    except (InvalidRegex, ExtractTooLong) as error:
        raise Stalled(f"failed to filter tags: {error}", reason=Reason.INVALID_POLICY) from error


async def _latest(
    deps: Deps, policy: ImagePolicy, repository: Repository, choose: Choose, keep: Filter | None
) -> str | None:
    """The chosen tag, remembered while neither the tags nor the policy change; None without tags.

    Raises Failure.
    """
    image, source = str(repository), policy.repository
    try:
        stamp = await asyncio.to_thread(deps.store.stamp, source)
        known = deps.memory.get(policy.key)
        if (
            known is not None
            and stamp is not None
            and known == Remembered(stamp, policy.rule, policy.filter, known.tag)
            and await asyncio.to_thread(deps.store.holds, source, image)
        ):
            return known.tag
        tags = await asyncio.to_thread(deps.store.load, source, image)
    except StoreFailed as error:
        raise Failure(f"failed to read tags: {error}", reason=Reason.FAILURE) from error
    if not tags or stamp is None:
        return None
    try:
        tag = await asyncio.to_thread(_choose, tags, choose, keep)
    except (NoChoice, ExtractTooLong) as error:
        raise Failure(str(error), reason=Reason.FAILURE) from error
    deps.memory[policy.key] = Remembered(stamp, policy.rule, policy.filter, tag)
    return tag


def _no_tags(deps: Deps, repo: ImageRepository, repository: Repository) -> Failure:
    """Tags that the repository says it has are lost; any others come with its next scan, and wake us."""
    if repo.last_scan is not None and repo.last_scan.tag_count and repo.canonical_name == str(repository):
        deps.rescan(repo.key)
    return Failure(
        f"retrying in {deps.requeue.total_seconds():g}s error: no tags in database",
        reason=Common.DEPENDENCY_NOT_READY,
        retry_in=deps.requeue,
    )


def _choose(tags: Sequence[str], choose: Choose, keep: Filter | None) -> str:
    if keep is None:
        return choose(tags)
    values = keep.values(tags)
    return values[choose(values)]


async def _digest(
    deps: Deps, policy: ImagePolicy, repo: ImageRepository, repository: Repository, tag: str
) -> str:
    if policy.digest_policy is DigestPolicy.NEVER:
        return ""
    latest = policy.latest
    if latest is not None and not needs_digest(policy.digest_policy, repo.image, tag, latest):
        return latest.digest
    return await deps.reflection.digest(repo, repository, tag)


def _record(policy: ImagePolicy, report: Report, chosen: ImageRef) -> None:
    previous = policy.previous
    if chosen != policy.latest:
        previous = policy.latest
        report.status["latestRef"] = chosen.render()
        report.status.pop("observedPreviousRef", None)
        if previous is not None:
            report.status["observedPreviousRef"] = previous.render()
    report.conditions.mark_true(READY, Common.SUCCEEDED, _message(chosen, previous))


def _message(chosen: ImageRef, previous: ImageRef | None) -> str:
    message = f"Latest image tag for {chosen.name} resolved to {chosen.tag}"
    if chosen.digest:
        message += f" with digest {chosen.digest}"
    if previous is not None and previous != chosen:
        message += f" (previously {previous})"
    return message


def _tell(report: Report) -> None:
    """News when it became ready or chose another image; else an answer for whoever asked."""
    ready, before = report.conditions.find(READY), report.before.find(READY)
    assert ready is not None, "it was just set"
    if not report.before.ready or before is None or before.message != ready.message:
        report.tell(EventType.NORMAL, Common.SUCCEEDED, ready.message)
    elif report.is_requested or report.is_new_generation:
        report.tell(EventType.TRACE, Common.SUCCEEDED, ready.message)
