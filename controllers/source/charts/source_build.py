"""Build a HelmChart from a chart in a GitRepository's or Bucket's artifact (spec source 11.5)."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers.source.charts.build import Build, reusable, with_metadata
from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.dependencies import Dependencies
from controllers.source.charts.remote_build import digest_of
from controllers.source.charts.sources import Source
from controllers.source.charts.workshop import Workshop
from controllers.source.tree_path import inside
from shared.logic.digest import Digest
from shared.model.artifact import Artifact
from shared.model.helm_source import HelmChart, ReconcileStrategy

_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class SourceBuilder:
    """Unpacks the artifact, and packs the chart in it."""

    workshop: Workshop
    dependencies: Dependencies

    async def build(self, chart: HelmChart, source: Source, stored: Artifact | None, folder: Path) -> Build:
        """Raises Failure."""
        assert source.artifact is not None
        root = folder / "source"
        job = {"artifact": str(source.file), "folder": str(root), "path": chart.chart}
        found = await self.workshop.run("packaging:open_source", job, otherwise=ChartReason.INVALID_REFERENCE)
        metadata = metadata_of(chart, source.artifact.revision)
        version = with_metadata(found["version"], metadata)
        repacked = bool(not found["packaged"] or metadata or chart.values_files)
        build = Build(found["name"], version, repacked)
        known = reusable(chart, stored, build.name, version, packaged=repacked)
        if known is not None:
            return known
        if not repacked:
            file = root.joinpath(*inside(chart.chart))
            digest = await asyncio.to_thread(digest_of, file, self.workshop.algorithm)
            return Build(build.name, version, packaged=False, file=file, digest=digest)
        return await self._package(chart, build, root, found)

    async def _package(self, chart: HelmChart, build: Build, root: Path, found: dict[str, Any]) -> Build:
        folder = root.parent
        missing = await self.dependencies.fetch(chart.key.namespace, found["missing"], folder)
        archive = str(root.joinpath(*inside(chart.chart))) if found["packaged"] else ""
        job = {
            "archive": archive,
            "root": str(root),
            "path": chart.chart,
            "folder": str(folder / "building"),
            "out": str(folder / "packaged.tgz"),
            "algorithm": self.workshop.algorithm,
            "version": build.version,
            "values_files": list(chart.values_files),
            "ignore_missing": chart.ignore_missing_values_files,
            "missing": missing,
        }
        packed = await self.workshop.run("packaging:package", job)
        return Build(
            build.name,
            build.version,
            packaged=True,
            values_files=tuple(packed["values_files"]),
            file=folder / "packaged.tgz",
            digest=Digest(self.workshop.algorithm, packed["digest"]),
            dependencies=len(missing),
        )


def metadata_of(chart: HelmChart, revision: str) -> str:
    """Build metadata that lets consumers notice other content, or other values, under the same version."""
    parts = []
    if chart.strategy is ReconcileStrategy.REVISION:
        parts.append(revision.rpartition(":")[2][:_HASH_DIGITS])
    if chart.values_files:
        parts.append(str(chart.generation))
    return ".".join(parts)
