"""Build the chart that a HelmChart asks for, whatever kind of source it comes from."""

from dataclasses import dataclass
from pathlib import Path

from controllers.source.charts.build import Build
from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.failures import build_failure
from controllers.source.charts.index_cache import FULL
from controllers.source.charts.index_charts import IndexCharts, OpenIndex
from controllers.source.charts.measures import CacheMeasures
from controllers.source.charts.registry_charts import RegistryCharts
from controllers.source.charts.remote_build import build_remote
from controllers.source.charts.repository_access import RepositoryAccess
from controllers.source.charts.source_build import SourceBuilder
from controllers.source.charts.sources import Source
from controllers.source.charts.verification import Verification
from controllers.source.charts.workshop import Workshop
from shared.charts.metadata import InvalidMetadata, require_name
from shared.model.artifact import Artifact
from shared.model.event import EventType
from shared.model.helm_source import HelmChart, HelmRepository
from shared.runtime.report import Report


@dataclass(frozen=True, slots=True)
class Builder:
    """Every way to a chart; each raises Failure with the reasons of spec source 11.6."""

    workshop: Workshop
    access: RepositoryAccess
    indexed: IndexCharts
    tagged: RegistryCharts
    verification: Verification
    from_source: SourceBuilder
    measures: CacheMeasures

    async def build(
        self, chart: HelmChart, source: Source, stored: Artifact | None, report: Report, folder: Path
    ) -> Build:
        """`stored` is the chart's present artifact; `folder` is empty, and goes afterwards."""
        if source.repository is None:
            return await self.from_source.build(chart, source, stored, folder)
        _require_plain_name(chart)
        if source.repository.is_oci:
            tagged = await self.tagged.find(source.repository, chart.chart, chart.version)
            tagged = await self.verification.verified(chart, report, tagged)
            remote = self.tagged.remote(tagged)
        else:
            index = await self._index(chart, source, source.repository, report)
            remote = await self.indexed.find(index, chart.chart, chart.version)
        return await build_remote(self.workshop, chart, remote, stored, folder)

    async def _index(
        self, chart: HelmChart, source: Source, repository: HelmRepository, report: Report
    ) -> OpenIndex:
        assert source.file is not None
        assert source.artifact is not None

        def told(event: str) -> None:
            if event == FULL:
                message = "failed to cache index: the cache is full"
                report.tell(EventType.TRACE, ChartReason.CACHE_OPERATION_FAILED, message)
            else:
                self.measures.count(event, chart.key)

        access = await self.access.http(repository)
        return OpenIndex(source.file, source.artifact.digest, access, repository.timeout, told)


def _require_plain_name(chart: HelmChart) -> None:
    """A name in a repository may have slashes in a registry, and nothing that leads elsewhere."""
    try:
        for part in chart.chart.split("/"):
            require_name(part)
    except InvalidMetadata as error:
        message = f"invalid chart name '{chart.chart[:200]}'"
        raise build_failure(ChartReason.INVALID_REFERENCE, message) from error
