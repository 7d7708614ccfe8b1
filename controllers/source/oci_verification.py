"""Check the signature that an OCIRepository's spec.verify asks for (spec source 9.2, step 5)."""

import asyncio

from controllers.source.conditions import SOURCE_VERIFIED, Reason
from controllers.source.cosign import NotVerified
from controllers.source.oci_reference import Target
from controllers.source.signatures import Wanted, check_signature
from shared.kube.secrets import Secrets
from shared.logic.secret import SecretUnusable
from shared.model.artifact import Artifact
from shared.model.meta import Reason as Common
from shared.model.source import OciRepository, OciVerification, OciVerifier
from shared.oci.errors import OciError
from shared.oci.registry import Registry
from shared.runtime.failure import Failure
from shared.runtime.report import Report


def forget_old_verdict(repo: OciRepository, report: Report) -> None:
    """A failure is found again or is gone; without spec.verify there is nothing to say at all."""
    if repo.verification is None or report.conditions.is_false(SOURCE_VERIFIED):
        report.conditions.delete(SOURCE_VERIFIED)


def is_due(repo: OciRepository, report: Report, stored: Artifact | None, target: Target) -> bool:
    """Whether there is no verdict on this revision that is of this generation."""
    if repo.verification is None:
        return False
    verdict = report.conditions.find(SOURCE_VERIFIED)
    return (
        verdict is None
        or not verdict.is_true
        or verdict.observed_generation != report.generation
        or stored is None
        or stored.revision != target.revision
    )


async def verify(
    secrets: Secrets, registry: Registry, repo: OciRepository, report: Report, target: Target
) -> None:
    """Set SourceVerified, but where a policy wants no verdict. Raises Failure when it is False."""
    if repo.verification is None:
        return
    try:
        async with asyncio.timeout(repo.timeout.total_seconds()):
            judged = await check_signature(
                secrets,
                registry,
                Wanted(repo.key.namespace, repo.verification, repo.cert_secret),
                target.digest,
            )
    except (NotVerified, SecretUnusable, OciError, TimeoutError) as error:
        said = "timed out" if isinstance(error, TimeoutError) else str(error)
        shown = _shown(repo.verification)
        failure = Failure(
            f"failed to verify the signature using provider '{shown}': {said}",
            reason=Reason.VERIFICATION_ERROR,
        )
        report.conditions.mark_false(SOURCE_VERIFIED, failure.reason, failure.message)
        raise failure from error
    if not judged:
        return
    message = f"verified signature of revision {target.revision}"
    report.conditions.mark_true(SOURCE_VERIFIED, Common.SUCCEEDED, message)


def _shown(verification: OciVerification) -> str:
    keyless = verification.provider is OciVerifier.COSIGN and not verification.secret
    return "cosign keyless" if keyless else str(verification.provider)
