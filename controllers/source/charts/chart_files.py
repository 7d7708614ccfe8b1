"""A chart as files on disk: find it, read what it says of itself, within limits. Runs in a worker."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers.source.charts.limits import Bounds
from shared.artifacts.errors import ArchiveRefused, ArtifactError
from shared.artifacts.tar_stream import Limits
from shared.artifacts.unpack import Links, unpack_now
from shared.charts.helmignore import FILE as IGNORE_FILE
from shared.charts.helmignore import HelmIgnore, InvalidHelmIgnore
from shared.charts.metadata import (
    Dependency,
    InvalidMetadata,
    Metadata,
    dependencies_of,
    require_unique,
)
from shared.logic.go_yaml import Limits as YamlLimits
from shared.logic.go_yaml import YamlError, read_document

CHART_FILE, LOCK_FILE = "Chart.yaml", "Chart.lock"
_OLD_REQUIREMENTS, _OLD_LOCK = "requirements.yaml", "requirements.lock"
CHARTS = "charts"
_MAX_UNPACKED = 100 * 1024 * 1024
_MAX_FILES = 20_000
_YAML = YamlLimits(size_bytes=8 * 1024 * 1024, depth=100)


class ChartRefused(Exception):
    """The files are no chart, or one that is too large."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart's directory; `requirements` are those of the lock file where there is one."""

    root: Path
    raw: Mapping[str, Any]
    metadata: Metadata
    requirements: tuple[Dependency, ...]


def unpack_chart(archive: Path, into: Path, bounds: Bounds) -> Chart:
    """Unpack a packaged chart into an empty directory and read it. Raises ChartRefused."""
    require_size(archive, bounds)
    limits = Limits(max_bytes=_MAX_UNPACKED, max_members=_MAX_FILES)
    try:
        unpack_now(archive, into, limits=limits, links=Links.REFUSE)
    except ArchiveRefused as error:
        raise ChartRefused(f"cannot load archive: {error}") from error
    except ArtifactError as error:
        raise ChartRefused(str(error)) from error
    found = [folder for folder in sorted(into.iterdir()) if (folder / CHART_FILE).is_file()]
    if len(found) != 1:
        raise ChartRefused("the archive has no Chart.yaml in one base directory")
    chart = read_chart(found[0])
    files_of(chart, bounds, ignoring=False)
    return chart


def require_size(archive: Path, bounds: Bounds) -> None:
    """Raises ChartRefused."""
    size = archive.stat().st_size
    if size > bounds.chart:
        raise ChartRefused(f"size of chart '{archive.name}' exceeds {bounds.chart} bytes limit")


def read_chart(root: Path) -> Chart:
    """Read a chart's directory. Raises ChartRefused."""
    raw = _mapping(root / CHART_FILE)
    raw = raw if raw.get("apiVersion") else {**raw, "apiVersion": "v1"}
    try:
        metadata = Metadata.parse(raw)
        wanted = metadata.dependencies
        if not wanted and (root / _OLD_REQUIREMENTS).is_file():
            wanted = dependencies_of(_mapping(root / _OLD_REQUIREMENTS))
        require_unique(wanted)
        lock = root / (LOCK_FILE if metadata.api_version != "v1" else _OLD_LOCK)
        if lock.is_file():
            locked = dependencies_of(_mapping(lock))
            wanted = tuple(_locked(each, locked) for each in wanted) if locked else wanted
    except InvalidMetadata as error:
        raise ChartRefused(f"validation: {error}") from error
    return Chart(root, raw, metadata, wanted)


def _locked(wanted: Dependency, locked: tuple[Dependency, ...]) -> Dependency:
    """The version that the lock file fixes; it knows no aliases."""
    same = (each for each in locked if (each.name, each.repository) == (wanted.name, wanted.repository))
    found = next(same, None) or next((each for each in locked if each.name == wanted.name), None)
    if found is None:
        return wanted
    return Dependency(wanted.name, found.version, found.repository, wanted.alias)


def files_of(chart: Chart, bounds: Bounds, *, ignoring: bool) -> list[tuple[tuple[str, ...], Path]]:
    """The chart's files with their paths in it; `ignoring` honours .helmignore. Raises ChartRefused."""
    rules = _ignore_rules(chart.root) if ignoring else None
    found: list[tuple[tuple[str, ...], Path]] = []
    total = 0
    for folder, _, names in os.walk(chart.root):
        base = Path(folder).relative_to(chart.root).parts
        for name in names:
            path, file = (*base, name), Path(folder, name)
            if file.is_symlink() or (rules is not None and not rules.keeps(path)):
                continue
            size = file.stat().st_size
            total += size
            limit = bounds.chart if path[0] == CHARTS and name.endswith(".tgz") else bounds.file
            if size > limit:
                raise ChartRefused(f"size of '{'/'.join(path)}' exceeds {limit} bytes limit")
            if total > _MAX_UNPACKED or len(found) >= _MAX_FILES:
                raise ChartRefused(f"the chart has more than {_MAX_UNPACKED} bytes or {_MAX_FILES} files")
            found.append((path, file))
    return found


def vendored_names(chart: Chart, into: Path, bounds: Bounds) -> list[str]:
    """Names of the charts in charts/, packaged or not; each is read. Raises ChartRefused."""
    folder = chart.root / CHARTS
    if not folder.is_dir():
        return []
    names: list[str] = []
    for number, entry in enumerate(sorted(folder.iterdir())):
        if entry.name.startswith(("_", ".")):
            continue
        if entry.is_dir() and (entry / CHART_FILE).is_file():
            names.append(read_chart(entry).metadata.name)
        elif entry.suffix == ".tgz":
            target = into / f"vendored-{number}"
            target.mkdir(parents=True)
            names.append(unpack_chart(entry, target, bounds).metadata.name)
    return names


def _ignore_rules(root: Path) -> HelmIgnore:
    file = root / IGNORE_FILE
    try:
        return HelmIgnore.parse(_text(file) if file.is_file() else "")
    except InvalidHelmIgnore as error:
        raise ChartRefused(str(error)) from error


def _mapping(file: Path) -> Mapping[str, Any]:
    try:
        found = read_document(_text(file), limits=_YAML)
    except YamlError as error:
        raise ChartRefused(f"cannot load {file.name}: {error}") from error
    if not isinstance(found, dict):
        raise ChartRefused(f"cannot load {file.name}: it is no mapping")
    return found


def _text(file: Path) -> str:
    if file.stat().st_size > _YAML.size_bytes:
        raise ChartRefused(f"{file.name} is larger than {_YAML.size_bytes} bytes")
    return file.read_bytes().decode("utf-8", "replace")
