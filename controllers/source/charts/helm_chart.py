"""Publish a chart: find its source, build it if it is another one, store it.

The order is that of spec source 2.2 and 11. Every failure of a build is seen in the condition that its
reason belongs to (failures.py).
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from controllers.source.charts import failures
from controllers.source.charts.build import Build
from controllers.source.charts.builder import Builder
from controllers.source.charts.conditions import BUILD_FAILED, CHART_FAILURES, ChartReason
from controllers.source.charts.publishing import publish
from controllers.source.charts.sources import Source, Sources
from controllers.source.charts.verification import forget_old_verdict
from controllers.source.conditions import (
    ARTIFACT_IN_STORAGE,
    ARTIFACT_OUTDATED,
    FETCH_FAILED,
    SOURCE_VERIFIED,
    STORAGE_OPERATION_FAILED,
    Reason,
    noting,
)
from controllers.source.news import reason_to_tell
from controllers.source.storage_step import keep_stored, point_at, remove_stored
from controllers.source.workspace import workspace
from shared.artifacts.errors import StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.model.artifact import Artifact
from shared.model.event import EventType
from shared.model.helm_source import HelmChart
from shared.model.kinds import HELM_CHART
from shared.model.meta import ObjectKey
from shared.model.source import GROUP
from shared.runtime.failure import Failure, Waiting
from shared.runtime.outcome import Done, Outcome
from shared.runtime.progress import admit_drift, begin
from shared.runtime.report import Report

_LATEST = "latest.tar.gz"


@dataclass(frozen=True, slots=True)
class Settled:
    """What a chart was last made of: the same source and spec give the same chart."""

    generation: int
    source: str
    chart: str
    build: Build


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling HelmCharts needs of the world; `forgotten` is told of charts that are gone."""

    workspaces: Path
    storage: Storage
    sources: Sources
    builder: Builder
    forgotten: Callable[[ObjectKey], None]
    settled: dict[ObjectKey, Settled] = field(default_factory=dict)

    def forget(self, key: ObjectKey) -> None:
        self.settled.pop(key, None)
        self.forgotten(key)


async def reconcile(deps: Deps, chart: HelmChart, report: Report) -> Outcome:
    """One run for one chart."""
    await begin(report)
    async with workspace(deps.workspaces, _shelf(chart), report) as folder:
        stored = await keep_stored(deps.storage, _shelf(chart), report)
        _renew_link(deps, chart, report, stored)
        forget_old_verdict(chart, report)
        try:
            source = await deps.sources.find(chart)
            _observe(report, source)
            build = _known(deps, chart, source, stored) or await deps.builder.build(
                chart, source, stored, report, folder
            )
        except Failure as failure:
            failures.note(report, failure)
            if isinstance(failure, Waiting):
                # Nothing failed: worth an event for whoever looks, not a notification.
                report.tell(EventType.TRACE, failure.reason, failure.message)
            raise
        report.conditions.delete(FETCH_FAILED, BUILD_FAILED)
        if build.file is not None:
            await _publish(deps, chart, report, build)
    _succeed(deps, chart, report, source, build)
    _tell_news(chart, report, build)
    return Done(chart.interval)


async def finalize(deps: Deps, chart: HelmChart, report: Report) -> None:
    """Remove what was stored for a chart that goes. Raises Failure."""
    deps.forget(chart.key)
    await remove_stored(deps.storage, _shelf(chart), report)


def _observe(report: Report, source: Source) -> None:
    if source.artifact is not None:
        report.status["observedSourceArtifactRevision"] = source.artifact.revision
        # Only charts in registries are signed.
        report.conditions.delete(SOURCE_VERIFIED)
    else:
        report.status.pop("observedSourceArtifactRevision", None)


def _known(deps: Deps, chart: HelmChart, source: Source, stored: Artifact | None) -> Build | None:
    """The last build, when neither spec, source nor stored chart have changed: nothing need be read."""
    last = deps.settled.get(chart.key)
    if last is None or stored is None or source.artifact is None:
        return None
    now = (chart.generation, source.artifact.digest, stored.digest)
    is_same = (last.generation, last.source, last.chart) == now
    return last.build if is_same and chart.observed_generation == chart.generation else None


async def _publish(deps: Deps, chart: HelmChart, report: Report, build: Build) -> None:
    if build.dependencies:
        message = f"resolved {build.dependencies} chart dependencies"
        report.tell(EventType.TRACE, ChartReason.RESOLVED_DEPENDENCIES, message)
    if "artifact" in report.status:
        report.conditions.mark_true(ARTIFACT_OUTDATED, ChartReason.NEW_CHART, build.summary)
    await admit_drift(report, f"building artifact: {build.summary}")
    with noting(report, STORAGE_OPERATION_FAILED):
        artifact = await _store(deps, chart, build)
    report.status["artifact"] = artifact.render()
    report.status["observedChartName"] = build.name
    await point_at(deps.storage, report, artifact, _LATEST)


async def _store(deps: Deps, chart: HelmChart, build: Build) -> Artifact:
    assert build.file is not None
    assert build.digest is not None
    shelf, name = _shelf(chart), build.file_name
    try:
        with deps.storage.draft(shelf, name) as draft:
            await asyncio.to_thread(shutil.copyfile, build.file, draft)
            return await publish(deps.storage, shelf, name, draft, (build.version, build.digest))
    except (StorageFailed, OSError) as error:
        said = (error.strerror or error) if isinstance(error, OSError) else error
        message = f"unable to copy Helm chart to storage: {said}"
        raise Failure(message, reason=Reason.ARCHIVE_OPERATION_FAILED) from error


def _succeed(deps: Deps, chart: HelmChart, report: Report, source: Source, build: Build) -> None:
    report.conditions.delete(ARTIFACT_OUTDATED)
    report.conditions.mark_true(ARTIFACT_IN_STORAGE, build.reason, build.summary)
    if chart.ignore_missing_values_files and build.values_files:
        report.status["observedValuesFiles"] = list(build.values_files)
    else:
        report.status.pop("observedValuesFiles", None)
    stored = Artifact.parse(report.status["artifact"])
    if source.artifact is not None:
        done = Build(build.name, build.version, build.packaged, build.values_files)
        deps.settled[chart.key] = Settled(chart.generation, source.artifact.digest, stored.digest, done)
    if build.file is None and (report.is_requested or report.is_new_generation):
        # Whoever asked gets an answer; a routine interval is not worth a write to the API server.
        message = f"artifact up-to-date with remote revision: '{stored.revision}'"
        report.tell(EventType.TRACE, Reason.UP_TO_DATE, message)


def _tell_news(chart: HelmChart, report: Report, build: Build) -> None:
    """A new chart, or that what failed works again (spec source 4.3): both under the build's reason."""
    artifact = Artifact.parse(report.status["artifact"])
    if reason_to_tell(report, chart.artifact, artifact, CHART_FAILURES) is None:
        return
    metadata = {f"{GROUP}/revision": artifact.revision, f"{GROUP}/digest": artifact.digest}
    report.tell(EventType.NORMAL, build.reason, build.summary, metadata)


def _renew_link(deps: Deps, chart: HelmChart, report: Report, stored: Artifact | None) -> None:
    """The host of status.url follows the advertised address, as that of the artifact does."""
    if stored is None:
        report.status.pop("url", None)
    elif "url" in report.status:
        report.status["url"] = deps.storage.url_of(f"{_shelf(chart).path}/{_LATEST}")


def _shelf(chart: HelmChart) -> Shelf:
    return Shelf(HELM_CHART.kind, chart.key)
