"""Check who signed a chart in a registry, before anything of it is used (spec source 11.6).

It is done at every run, also when the stored chart is the one: keys may have changed meanwhile.
"""

from dataclasses import dataclass

from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.failures import build_failure
from controllers.source.charts.registry_charts import RegistryCharts, Tagged
from controllers.source.conditions import SOURCE_VERIFIED, Reason
from controllers.source.cosign import NotVerified
from controllers.source.signatures import Wanted, check_signature
from shared.kube.secrets import Secrets
from shared.logic.secret import SecretUnusable
from shared.model.helm_source import HelmChart
from shared.model.meta import Reason as Common
from shared.model.source import OciVerification, OciVerifier
from shared.runtime.failure import Failure
from shared.runtime.report import Report


@dataclass(frozen=True, slots=True)
class Verification:
    """Reads keys fresh each time."""

    secrets: Secrets
    charts: RegistryCharts

    async def verified(self, chart: HelmChart, report: Report, tagged: Tagged) -> Tagged:
        """The chart, pinned to the digest that was signed, and SourceVerified set. Raises Failure."""
        if chart.verification is None:
            return tagged
        pinned = await self.charts.pinned(tagged)
        wanted = Wanted(chart.key.namespace, chart.verification, tagged.repo.cert_secret)
        try:
            async with self.charts.opened(pinned, "failed to read signatures") as registry:
                has_verdict = await check_signature(self.secrets, registry, wanted, pinned.digest)
        except SecretUnusable as error:
            raise _refused(report, Failure(str(error), reason=Reason.VERIFICATION_ERROR)) from error
        except NotVerified as error:
            said = f"failed to verify the signature using provider '{_shown(chart.verification)}': {error}"
            raise _refused(report, build_failure(ChartReason.VERIFICATION_ERROR, said)) from error
        if has_verdict:
            message = f"verified signature of version {tagged.version}"
            report.conditions.mark_true(SOURCE_VERIFIED, Common.SUCCEEDED, message)
        return pinned


def _shown(verification: OciVerification) -> str:
    keyless = verification.provider is OciVerifier.COSIGN and not verification.secret
    return "cosign keyless" if keyless else str(verification.provider)


def forget_old_verdict(chart: HelmChart, report: Report) -> None:
    """A failure is found again or is gone; without spec.verify there is nothing to say at all."""
    if chart.verification is None or report.conditions.is_false(SOURCE_VERIFIED):
        report.conditions.delete(SOURCE_VERIFIED)


def _refused(report: Report, failure: Failure) -> Failure:
    report.conditions.mark_false(SOURCE_VERIFIED, Reason.VERIFICATION_ERROR, failure.message)
    return failure
