"""Check the signatures that spec.verify asks for (spec source 8.6)."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from controllers.source.conditions import SOURCE_VERIFIED, Reason
from controllers.source.obtain import Checkout
from shared.git.client import Commit, Git
from shared.git.errors import GitError, UnsignedObject, VerificationFailed
from shared.git.reference import Target
from shared.kube.secrets import Secrets
from shared.logic.secret import SecretUnusable
from shared.model.event import EventType
from shared.model.meta import Reason as Common
from shared.model.source import GitRepository, Verification, VerificationMode
from shared.runtime.failure import Failure, Stalled
from shared.runtime.report import Report

MODE_FIELD = "sourceVerificationMode"


def forget_old_verdict(repo: GitRepository, report: Report) -> None:
    """A failure is found again or is gone; without spec.verify there is nothing to say at all."""
    if repo.verification is None:
        report.status.pop(MODE_FIELD, None)
        report.conditions.delete(SOURCE_VERIFIED)
    elif report.conditions.is_false(SOURCE_VERIFIED):
        report.conditions.delete(SOURCE_VERIFIED)


async def verify(git: Git, secrets: Secrets, repo: GitRepository, report: Report, checkout: Checkout) -> None:
    """Set SourceVerified, either way. Raises Failure or Stalled when it is False."""
    if repo.verification is None:
        return
    try:
        message = await _verified(git, secrets, repo, repo.verification, checkout)
    except Failure as failure:
        report.conditions.mark_false(SOURCE_VERIFIED, failure.reason, failure.message)
        raise
    report.conditions.mark_true(SOURCE_VERIFIED, Common.SUCCEEDED, message)
    report.status[MODE_FIELD] = str(repo.verification.mode)
    report.tell(EventType.TRACE, Common.SUCCEEDED, message)


async def _verified(
    git: Git,
    secrets: Secrets,
    repo: GitRepository,
    verification: Verification,
    checkout: Checkout,
) -> str:
    target, commit = checkout.target, checkout.commit
    try:
        keys = (await secrets.read(repo.key.namespace, verification.secret)).data
    except SecretUnusable as error:
        raise Failure(f"PGP public keys secret error: {error}", reason=Reason.VERIFICATION_ERROR) from error
    lines: list[str] = []
    if verification.mode is not VerificationMode.HEAD:
        _require_signable_tag(repo, verification, target, commit)
        reason = Reason.INVALID_TAG_SIGNATURE
        key = await _signer(git, checkout.repository, commit.tag, keys, within=repo.timeout, reason=reason)
        lines.append(f"tag '{target.tag}@{commit.tag}' with key '{key}'")
    if verification.mode is not VerificationMode.TAG:
        with_commit = Reason.INVALID_COMMIT_SIGNATURE
        key = await _signer(
            git, checkout.repository, commit.hash, keys, within=repo.timeout, reason=with_commit
        )
        lines.append(f"commit '{commit.hash}' with key '{key}'")
    return "verified signature of" + "".join(f"\n\t- {line}" for line in lines)


def _require_signable_tag(
    repo: GitRepository, verification: Verification, target: Target, commit: Commit
) -> None:
    if not target.tag:
        raise Stalled(
            f"cannot verify tag object's signature if a tag reference is not specified: "
            f"verify.mode of '{repo.key.name}' is {verification.mode}",
            reason=Reason.INVALID_VERIFICATION_MODE,
        )
    if not commit.tag:
        raise Failure(
            f"cannot verify signature of tag '{target.tag}' since it is not annotated",
            reason=Reason.INVALID_GIT_OBJECT,
        )


async def _signer(
    git: Git, repository: Path, sha: str, keys: Mapping[str, bytes], *, within: timedelta, reason: Reason
) -> str:
    try:
        return await git.verify(repository, sha, keys, within=within)
    except UnsignedObject as error:
        unsigned = Reason.INVALID_GIT_OBJECT if reason is Reason.INVALID_TAG_SIGNATURE else reason
        raise Failure(f"signature verification failed: {error}", reason=unsigned) from error
    except VerificationFailed as error:
        raise Failure(f"signature verification failed: {error}", reason=reason) from error
    except GitError as error:
        raise Failure(f"signature verification failed: {error}", reason=Reason.VERIFICATION_ERROR) from error
