"""Dependencies of a chart that lie in the same source, or were downloaded. Runs in a worker process."""

from collections.abc import Sequence
from pathlib import Path

from controllers.source.charts.chart_files import (
    CHART_FILE,
    CHARTS,
    Chart,
    ChartRefused,
    files_of,
    read_chart,
    unpack_chart,
)
from controllers.source.charts.limits import Bounds
from controllers.source.tree_path import inside
from shared.charts.metadata import LOCAL, Dependency
from shared.charts.version_choice import ANY
from shared.logic.semver import InvalidRange, InvalidVersion, Range, Version

Files = list[tuple[tuple[str, ...], Path]]


class DependencyRefused(Exception):
    """A dependency is not where the chart says, or is not the one it says."""


def missing_of(chart: Chart, vendored: Sequence[str]) -> list[Dependency]:
    """Requirements that charts/ does not have; none where it has as many charts as are required."""
    if len(vendored) == len(chart.requirements):
        return []
    missing = {each.shown: each for each in chart.requirements if each.name not in vendored}
    return list(missing.values())


def add_local(dependency: Dependency, root: Path, chart: Path, scratch: Path, bounds: Bounds) -> Files:
    """The files that a dependency of the same source adds to the chart. Raises DependencyRefused."""
    where = dependency.repository.removeprefix(LOCAL) or f"{CHARTS}/{dependency.name}"
    parts = inside(f"{chart.relative_to(root).as_posix()}/{where}")
    found = root.joinpath(*parts)
    shown = "/".join(parts)
    try:
        if (found / CHART_FILE).is_file():
            loaded = read_chart(found)
            _require_version(loaded, dependency)
            files = files_of(loaded, bounds, ignoring=True)
            return [((CHARTS, loaded.metadata.name, *path), file) for path, file in files]
        if found.is_file():
            return add_archive(dependency, found, scratch, bounds)
    except ChartRefused as error:
        raise DependencyRefused(f"failed to load chart from '{shown}': {error}") from error
    raise DependencyRefused(f"no chart found at '{shown}' (reference '{dependency.repository}')")


def add_archive(dependency: Dependency, archive: Path, scratch: Path, bounds: Bounds) -> Files:
    """A packaged dependency goes into the chart as it is. Raises DependencyRefused, ChartRefused."""
    scratch.mkdir(parents=True)
    loaded = unpack_chart(archive, scratch, bounds)
    _require_version(loaded, dependency)
    name = f"{loaded.metadata.name}-{loaded.metadata.version}.tgz"
    return [((CHARTS, name), archive)]


def _require_version(chart: Chart, dependency: Dependency) -> None:
    wanted, found = dependency.version or ANY, chart.metadata.version
    try:
        fits = found == wanted or Range.parse(wanted).contains(Version.parse(found))
    except (InvalidRange, InvalidVersion) as error:
        raise DependencyRefused(f"invalid version of dependency '{dependency.name}': {error}") from error
    if not fits:
        raise DependencyRefused(
            f"can't get a valid version for dependency '{dependency.name}': it is {found}, not {wanted}"
        )
