"""One render, in a worker: read, adapt, render, arrange, record (specs/helm.md 7.3, 20.1, 20.2)."""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from shared.charts import worker_sdk as sdk
from shared.charts.capabilities import needs_mask
from shared.charts.errors import InvalidChart, RenderedTooBig, RenderFailed
from shared.charts.hooks import arrange
from shared.charts.loading import MAX_ARCHIVE_BYTES, ChartFile, ChartTree, read_archive, write_archive
from shared.charts.prelude import add_prelude, is_prelude
from shared.charts.rendered_record import chart_record
from shared.charts.values_schema import SCHEMA_NAME, require_self_contained
from shared.logic.go_yaml import YamlError
from shared.logic.semver import InvalidRange, InvalidVersion, Range, Version

_VERSION_CHART = {"apiVersion": "v2", "name": "versions", "version": "0.0.0"}
_VERSION_NUMBER = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+")
_NOTES = "NOTES.txt"


def built_in_versions() -> list[str]:
    """The API versions that the engine takes for granted, in its order."""
    tree = ChartTree(
        files=[
            ChartFile("Chart.yaml", orjson.dumps(_VERSION_CHART), 0),
            ChartFile("templates/list", b"{{ toJson .Capabilities.APIVersions }}", 0),
        ]
    )
    with sdk.loaded_archive(write_archive(tree)) as chart:
        versions: list[str] = orjson.loads(chart.render(b"{}", {}, None)["versions/templates/list"])
    return versions


def render(request: Mapping[str, Any], built_in: list[str]) -> dict[str, Any]:
    """The answer to engine.py; `built_in` are built_in_versions(). Raises a ChartError."""
    sdk.require_release_name(request["release_name"])
    raw = _archive(Path(request["chart"]))
    original = read_archive(raw)
    values = orjson.dumps(request["values"])
    adapted = _adapted(original, values, request, built_in)
    with sdk.loaded_archive(raw if adapted is None else write_archive(adapted)) as chart:
        metadata = chart.read("metadata")
        _require_supported(metadata, request["kube_version"])
        files = chart.render(values, _options(request), _access(request, original, values))
        size = sum(map(len, files.values()))
        if size > request["max_rendered"]:
            raise RenderedTooBig(f"the chart renders to {size >> 20} MiB")
        notes = files.get(f"{metadata['name']}/templates/{_NOTES}", "")
        arranged = arrange({path: text for path, text in files.items() if _is_manifest(path)}, sdk.read_yaml)
        return {
            "manifest": arranged.manifest,
            "hooks": [asdict(hook) for hook in arranged.hooks],
            "notes": notes,
            "crds": chart.read("crds"),
            "chart": chart_record(original, chart.read("metadata"), chart.read("values"), sdk.read_yaml),
        }


def _archive(path: Path) -> bytes:
    if not path.is_dir():
        return _bytes(path)
    with tempfile.TemporaryDirectory() as folder, sdk.loaded_directory(str(path)) as chart:
        return _bytes(Path(chart.save(folder)))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_ARCHIVE_BYTES + 1)
    except OSError as error:
        raise InvalidChart(f"cannot read the chart: {error.strerror}") from error


def _adapted(
    original: ChartTree, values: bytes, request: Mapping[str, Any], built_in: list[str]
) -> ChartTree | None:
    """A copy of the chart with what must be another for this render; None when nothing must."""
    tree = original.copy()
    changed = False
    if request["chart_version"] is not None:
        changed = _set_version(tree, request["chart_version"])
    if request["skip_schema"]:
        for chart in tree.walk():
            chart.files = [file for file in chart.files if file.name != SCHEMA_NAME]
        changed = True
    for chart in tree.walk():
        if (schema := chart.find(SCHEMA_NAME)) is not None:
            require_self_contained(schema.data, posixpath.join(chart.folder, SCHEMA_NAME))
    absent = set(built_in).difference(request["api_versions"]) if request["exact_versions"] else set()
    stale = needs_mask(_texts(tree, values), absent)
    if stale or request["integers"]:
        add_prelude(tree, len(built_in) if stale else 0, request["integers"])
        changed = True
    return tree if changed else None


def _set_version(tree: ChartTree, version: str) -> bool:
    chart = tree.find("Chart.yaml")
    if chart is None:
        return False  # which the engine refuses
    try:
        metadata = sdk.read_yaml(chart.data.decode("utf-8", "replace"))
    except YamlError as error:
        raise InvalidChart(f"cannot load Chart.yaml: {error}") from error
    chart.data = orjson.dumps(metadata | {"version": version})
    return True


def _texts(tree: ChartTree, values: bytes) -> Iterator[bytes]:
    """All that may be a template: with `tpl`, any file and any value may."""
    yield values
    for chart in tree.walk():
        for file in chart.files:
            yield file.data


def _options(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": request["release_name"],
        "namespace": request["namespace"],
        "revision": request["revision"],
        "is_install": not request["is_upgrade"],
        "is_upgrade": request["is_upgrade"],
        "kube_version": request["kube_version"],
        "api_versions": request["api_versions"],
        "enable_dns": request["enable_dns"],
    }


def _access(request: Mapping[str, Any], tree: ChartTree, values: bytes) -> str | None:
    """How to look up, where the chart may want to. The engine's `lookup` excludes its `getHostByName`."""
    if request["lookup"] is None or not any(b"lookup" in text for text in _texts(tree, values)):
        return None
    if request["enable_dns"] and any(b"getHostByName" in text for text in _texts(tree, values)):
        raise RenderFailed("the engine does not allow DNS lookups in a chart that uses lookup")
    server: str = request["lookup"]
    return server


def _is_manifest(path: str) -> bool:
    return not path.endswith(_NOTES) and not is_prelude(path)


def _require_supported(metadata: Mapping[str, Any], kube_version: str) -> None:
    if metadata.get("apiVersion", "") not in ("", "v1", "v2"):
        raise InvalidChart("only the Chart API v2 is supported")
    wanted = metadata.get("kubeVersion", "")
    if not wanted:
        return
    # A vendor's suffix (v1.30.2-gke.1) does not make a pre-release of Kubernetes.
    number = _VERSION_NUMBER.match(kube_version)
    try:
        fits = Range.parse(wanted).contains(Version.parse(number[0] if number else kube_version))
    except (InvalidRange, InvalidVersion):
        fits = False
    if not fits:
        raise RenderFailed(
            f"chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {kube_version}"
        )
