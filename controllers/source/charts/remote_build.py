"""Build a HelmChart from a chart in a repository: as it is, or with other values (spec source 11.5)."""

import asyncio
from pathlib import Path

from controllers.source.charts.build import Build, reusable, with_metadata
from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.remote import Remote
from controllers.source.charts.workshop import Workshop
from shared.logic.digest import Digest, new_hasher
from shared.model.artifact import Artifact
from shared.model.helm_source import HelmChart

_CHUNK = 1024 * 1024


async def build_remote(
    workshop: Workshop, chart: HelmChart, remote: Remote, stored: Artifact | None, folder: Path
) -> Build:
    """Nothing is fetched when the stored chart is the one. Raises Failure."""
    # Values have no version of their own: the generation lets consumers notice that they changed.
    metadata = str(chart.generation) if chart.values_files else ""
    version = with_metadata(remote.version, metadata)
    known = reusable(chart, stored, remote.name, version, packaged=bool(metadata))
    if known is not None:
        return known
    archive = folder / "chart.tgz"
    await remote.fetch(archive)
    if metadata:
        return await _packaged(workshop, chart, Build(remote.name, version, packaged=True), archive)
    job = {"archive": str(archive), "folder": str(folder / "unpacked")}
    await workshop.run("packaging:inspect", job, otherwise=ChartReason.PULL_ERROR)
    digest = await asyncio.to_thread(digest_of, archive, workshop.algorithm)
    return Build(remote.name, version, packaged=False, file=archive, digest=digest)


async def _packaged(workshop: Workshop, chart: HelmChart, build: Build, archive: Path) -> Build:
    out = archive.with_name("packaged.tgz")
    job = {
        "archive": str(archive),
        "root": "",
        "path": "",
        "folder": str(archive.with_name("unpacked")),
        "out": str(out),
        "algorithm": workshop.algorithm,
        "version": build.version,
        "values_files": list(chart.values_files),
        "ignore_missing": chart.ignore_missing_values_files,
        "missing": [],
    }
    packed = await workshop.run("packaging:package", job)
    digest = Digest(workshop.algorithm, packed["digest"])
    return Build(build.name, build.version, True, tuple(packed["values_files"]), out, digest)


def digest_of(file: Path, algorithm: str) -> Digest:
    hasher = new_hasher(algorithm)
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            hasher.update(chunk)
    return Digest(algorithm, hasher.hexdigest())
