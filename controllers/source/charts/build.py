"""What building a chart ends in, and how versions get their build metadata (spec source 11.5): pure."""

from dataclasses import dataclass, replace
from pathlib import Path

from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.failures import build_failure
from shared.logic.digest import Digest
from shared.logic.semver import InvalidVersion, Version
from shared.model.artifact import Artifact
from shared.model.helm_source import HelmChart


@dataclass(frozen=True, slots=True)
class Build:
    """A chart that is ready; without a `file` it is the stored one. `dependencies` were added to it."""

    name: str
    version: str
    packaged: bool
    values_files: tuple[str, ...] = ()
    file: Path | None = None
    digest: Digest | None = None
    dependencies: int = 0

    @property
    def summary(self) -> str:
        """What conditions and events say."""
        how = "packaged" if self.packaged else "pulled"
        files = f" and merged values files [{' '.join(self.values_files)}]" if self.values_files else ""
        return f"{how} '{self.name}' chart with version '{self.version}'{files}"

    @property
    def reason(self) -> ChartReason:
        return ChartReason.PACKAGED if self.packaged else ChartReason.PULLED

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.tgz"


def with_metadata(version: str, metadata: str) -> str:
    """The version with this build metadata instead of its own. Raises Stalled."""
    if not metadata:
        return version
    try:
        return str(replace(Version.parse(version), build=metadata))
    except InvalidVersion as error:
        raise build_failure(ChartReason.METADATA_PATCH_ERROR, str(error)) from error


def reusable(
    chart: HelmChart, stored: Artifact | None, name: str, version: str, *, packaged: bool
) -> Build | None:
    """The stored chart, when it is the wanted one and the spec has not changed since."""
    forced = chart.generation != chart.observed_generation
    if stored is None or forced or (stored.revision, chart.observed_chart) != (version, name):
        return None
    files = chart.values_files if chart.observed_values_files is None else chart.observed_values_files
    return Build(name, version, packaged, files)
