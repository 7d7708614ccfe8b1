"""The chart of a HelmRelease, from a source that is a folder here or a folder of packed charts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.offline.places import Places
from controllers.helm.chart_facts import describe
from controllers.source.charts import packaging
from controllers.source.charts.chart_files import ChartRefused, read_chart, vendored_names
from controllers.source.charts.limits import Bounds
from controllers.source.charts.local_dependencies import missing_of
from controllers.source.tree_path import inside
from shared.charts.errors import InvalidChart
from shared.charts.version_choice import choose
from shared.logic.semver import InvalidRange
from shared.model.helm import ChartTemplate
from shared.model.meta import ObjectKey

_BOUNDS = Bounds(chart=10 * 2**20, file=5 * 2**20)
_FROM_FOLDERS = ("GitRepository", "Bucket")


class ChartMissing(Exception):
    """There is no such chart on this machine."""


@dataclass(frozen=True, slots=True)
class Charts:
    """`packed` holds `name-version.tgz` files, which stand for every repository; None where there is none."""

    places: Places
    packed: Path | None

    def obtain(self, template: ChartTemplate, folder: Path) -> Path:
        """The packed chart; blocking. `folder` is new and its own. Raises ChartMissing."""
        if template.source.kind in _FROM_FOLDERS:
            return self._from_folder(template, folder)
        return self.named(template.chart, template.version)

    def named(self, name: str, version: str) -> Path:
        """The packed chart of that name whose version fits best. Raises ChartMissing."""
        if self.packed is None:
            raise ChartMissing(
                f"chart '{name}' is in no folder: download it, and name the folder by --charts"
            )
        found: dict[str, Path] = {}
        for file in sorted(self.packed.glob(f"{name.rpartition('/')[2]}-*.tgz")):
            facts = _facts(file)
            if facts == name.rpartition("/")[2]:
                found[describe(file).version] = file
        try:
            best = choose([{"name": name, "version": each} for each in found], version)
        except InvalidRange as error:
            raise ChartMissing(f"chart '{name}': {error}") from error
        if best is None:
            raise ChartMissing(f"no '{name}' chart with version matching '{version}' found in {self.packed}")
        return found[best.version]

    def _from_folder(self, template: ChartTemplate, folder: Path) -> Path:
        source = ObjectKey(template.source.namespace, template.source.name)
        root = self.places.folder(source)
        if root is None:
            raise ChartMissing(f"source '{template.source}' is not in the checkout: name it by --source")
        found = root.joinpath(*inside(template.chart))
        if not found.resolve().is_relative_to(root.resolve()):
            raise ChartMissing(f"chart '{template.chart}' leads outside of the source")
        try:
            return _packed(template, root, found, folder)
        except (ChartRefused, OSError) as error:
            raise ChartMissing(f"no usable chart at path '{template.chart}': {error}") from error


def _packed(template: ChartTemplate, root: Path, found: Path, folder: Path) -> Path:
    if not (found / "Chart.yaml").is_file():
        raise ChartRefused("it has no Chart.yaml")
    chart = read_chart(found)
    missing = missing_of(chart, vendored_names(chart, folder / "scratch", _BOUNDS))
    remote = [each.shown for each in missing if not each.is_local]
    if remote:
        raise ChartMissing(f"dependencies {remote} of chart '{template.chart}' are not in its charts folder")
    job: dict[str, Any] = {
        "archive": "",
        "root": str(root),
        "path": template.chart,
        "folder": str(folder / "building"),
        "out": str(folder / "packaged.tgz"),
        "algorithm": "sha256",
        "version": chart.metadata.version,
        "values_files": list(template.values_files),
        "ignore_missing": template.ignore_missing_values_files,
        "missing": [
            {"name": each.name, "version": each.version, "repository": each.repository, "alias": each.alias}
            for each in missing
        ],
        "max_chart": _BOUNDS.chart,
        "max_file": _BOUNDS.file,
    }
    answer = packaging.package(job)
    if "problem" in answer:
        raise ChartMissing(answer["message"])
    return folder / "packaged.tgz"


def _facts(file: Path) -> str:
    try:
        return describe(file).name
    except InvalidChart:
        return ""
