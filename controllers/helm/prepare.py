"""From a HelmRelease to a plan: source, values, chart, version, each with its failure (specs/helm.md 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from controllers.helm.chart_facts import ChartFacts
from controllers.helm.chart_files import ChartFiles
from controllers.helm.chart_template import Templates
from controllers.helm.chart_version import recorded_version
from controllers.helm.compose_values import values_of
from controllers.helm.conditions import passed
from controllers.helm.dependencies import Dependencies
from controllers.helm.digests import config_digest
from controllers.helm.failures import (
    ArtifactFailed,
    ChartVersionFailed,
    InvalidExpression,
    SourceNotReady,
    ValuesFailed,
)
from controllers.helm.session import Plan
from controllers.helm.sources import Sources
from shared.artifacts.errors import ArtifactError, ArtifactNotFound
from shared.charts.errors import InvalidChart
from shared.kube.client import KubeClient
from shared.logic.health_exprs import HealthExpressions, InvalidHealthExpression
from shared.model.artifact import Artifact
from shared.model.helm import HelmRelease
from shared.model.meta import Reason
from shared.runtime.failure import InvalidSpec, Waiting
from shared.runtime.report import Report

_FETCH_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Preparation:
    """`client` is the controller's own identity: sources, values and dependencies are read by it."""

    client: KubeClient
    templates: Templates
    sources: Sources
    dependencies: Dependencies
    charts: ChartFiles
    track_chart_digest: bool

    async def plan(self, hr: HelmRelease, report: Report) -> Plan:
        """Raises a Failure of the step that is not passed."""
        written = await self.templates.reconcile(hr, report)
        await self.dependencies.require_ready(hr, report.obj)
        passed(report, Reason.DEPENDENCY_NOT_READY)
        source = await self.sources.find(hr, fresh=written)
        passed(report, SourceNotReady.reason, Reason.ACCESS_DENIED)
        values = await values_of(hr, self.client)
        passed(report, ValuesFailed.reason)
        facts = await self._facts(source.artifact)
        passed(report, ArtifactFailed.reason)
        recorded = recorded_version(
            source.ref.kind,
            source.artifact.revision,
            facts.version,
            track_digest=self.track_chart_digest,
        )
        passed(report, ChartVersionFailed.reason)
        return Plan(
            artifact=source.artifact,
            chart_name=facts.name,
            version=recorded.version,
            renamed=recorded.version != facts.version,
            app_version=facts.app_version,
            oci_digest=recorded.digest,
            values=values,
            values_digest=config_digest(values),
        )

    async def _facts(self, artifact: Artifact) -> ChartFacts:
        try:
            return await self.charts.facts(artifact)
        except ArtifactNotFound as error:
            raise Waiting(
                "Source not ready: artifact not found. Retrying in 30s",
                retry_in=_FETCH_AGAIN,
                reason=ArtifactFailed.reason,
                quiet=True,
            ) from error
        except (ArtifactError, InvalidChart) as error:
            raise ArtifactFailed(f"Could not load chart: {error}") from error


def require_one_chart(hr: HelmRelease) -> None:
    """Raises InvalidSpec."""
    if (hr.chart is None) == (hr.chart_ref is None):
        raise InvalidSpec("either chart or chartRef must be set")


def reader_of(hr: HelmRelease) -> HealthExpressions | None:
    """spec.healthCheckExprs, compiled. Raises InvalidExpression."""
    if not hr.health_exprs:
        return None
    try:
        return HealthExpressions.parse(hr.health_exprs)
    except InvalidHealthExpression as error:
        raise InvalidExpression(error) from error
