"""The jobs of building a chart: look at it, merge values, pack it. They run in a worker process.

Each answers what it found, or `problem` (a reason of spec source 11.6) and `message`. Packing is
reproducible: the same chart, values and version give the same bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from controllers.source.charts.chart_files import (
    CHART_FILE,
    Chart,
    ChartRefused,
    files_of,
    read_chart,
    unpack_chart,
    vendored_names,
)
from controllers.source.charts.limits import Bounds
from controllers.source.charts.local_dependencies import (
    DependencyRefused,
    Files,
    add_archive,
    add_local,
    missing_of,
)
from controllers.source.charts.values_files import Merged, ValuesRefused, merge_files, read_values
from controllers.source.tree_path import inside
from shared.artifacts.errors import ArtifactError
from shared.artifacts.pack import Content, Entry, EntryKind, Packed, pack
from shared.artifacts.unpack import Links, unpack_now
from shared.charts.metadata import Dependency
from shared.logic.go_yaml import write
from shared.model.helm_source import VALUES_FILE

_CHUNK = 256 * 1024


def inspect(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: read the packaged chart `archive` through, unpacking into `folder`. -> `name`, `version`."""
    try:
        chart = unpack_chart(Path(argument["archive"]), _new(argument["folder"]), _bounds(argument))
    except (ChartRefused, OSError) as error:
        return _problem("ChartPullError", f"failed to load downloaded chart: {_said(error)}")
    return {"name": chart.metadata.name, "version": chart.metadata.version}


def open_source(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: unpack the source's `artifact` into `folder`, and look at the chart at `path` in it.

    -> `name`, `version`, `packaged` (a file, not a directory), and what is `missing` of its dependencies.
    """
    root, bounds = _new(argument["folder"]), _bounds(argument)
    shown = argument["path"]
    try:
        unpack_now(Path(argument["artifact"]), root, links=Links.SKIP)
    except ArtifactError as error:
        return _problem("ReadOperationFailed", f"artifact untar error: {error}")
    found = root.joinpath(*inside(shown))
    scratch = root.with_name("scratch")
    try:
        if found.is_file():
            chart = unpack_chart(found, _new(str(scratch / "chart")), bounds)
            missing: list[Dependency] = []
        elif (found / CHART_FILE).is_file():
            chart = read_chart(found)
            missing = missing_of(chart, vendored_names(chart, scratch, bounds))
        else:
            return _problem("InvalidChartReference", f"no chart found at path '{shown}'")
    except (ChartRefused, OSError) as error:
        return _problem("InvalidChartReference", f"no usable chart at path '{shown}': {_said(error)}")
    return {
        "name": chart.metadata.name,
        "version": chart.metadata.version,
        "packaged": found.is_file(),
        "missing": [asdict(each) for each in missing],
    }


def package(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: pack a chart as `out`, hashed by `algorithm`, with the version `version`.

    The chart is the packaged one `archive`, or the one at `path` below `root` whose `missing` dependencies
    are local or have a `file`. `values_files` replace its values; `ignore_missing` lets some be absent.
    -> `digest`, and the `values_files` that were used.
    """
    bounds, scratch = _bounds(argument), _new(argument["folder"])
    try:
        chart, is_directory = _load(argument, scratch, bounds)
        files = files_of(chart, bounds, ignoring=is_directory)
        merged = _merge(argument, files)
        files += _dependencies(chart, argument, scratch, bounds)
        overrides = _overrides(chart, argument["version"], merged)
        packed = _pack(chart.metadata.name, files, overrides, argument)
    except ValuesRefused as error:
        return _problem("ValuesFilesError", str(error))
    except DependencyRefused as error:
        return _problem("DependencyBuildError", str(error))
    except (ChartRefused, OSError) as error:
        return _problem("ChartPackageError", _said(error))
    used = merged.files if (VALUES_FILE,) in overrides else ()
    return {"digest": packed.digest.hex, "values_files": list(used)}


def _load(argument: Mapping[str, Any], scratch: Path, bounds: Bounds) -> tuple[Chart, bool]:
    if argument["archive"]:
        return unpack_chart(Path(argument["archive"]), _new(str(scratch / "chart")), bounds), False
    return read_chart(Path(argument["root"]).joinpath(*inside(argument["path"]))), True


def _merge(argument: Mapping[str, Any], files: Files) -> Merged:
    """Names begin at the source's root, or for a chart of a repository at its own."""
    root = Path(argument["root"]) if argument["root"] else None
    by_name = {"/".join(path): file for path, file in files}

    def find(name: str) -> Path | None:
        parts = inside(name)
        return root.joinpath(*parts) if root else by_name.get("/".join(parts))

    # A chart without values of its own has the defaults of nothing.
    absent = VALUES_FILE if root is None and VALUES_FILE not in by_name else ""
    names = [name for name in argument["values_files"] if name != absent]
    return merge_files(names, find, ignore_missing=argument["ignore_missing"])


def _dependencies(chart: Chart, argument: Mapping[str, Any], scratch: Path, bounds: Bounds) -> Files:
    added: dict[tuple[str, ...], Path] = {}
    for number, raw in enumerate(argument["missing"]):
        dependency = Dependency.parse(raw)
        own = scratch / f"dependency-{number}"
        if raw.get("file"):
            try:
                files = add_archive(dependency, Path(raw["file"]), own, bounds)
            except ChartRefused as error:
                raise DependencyRefused(f"chart '{dependency.name}': {error}") from error
        else:
            files = add_local(dependency, Path(argument["root"]), chart.root, own, bounds)
        # Under two aliases a chart is required twice, and there once.
        added |= dict(files)
    return list(added.items())


def _overrides(chart: Chart, version: str, merged: Merged) -> dict[tuple[str, ...], bytes]:
    """What differs from the files on disk; nothing is written anew without need."""
    found: dict[tuple[str, ...], bytes] = {}
    if version != chart.metadata.version:
        found[(CHART_FILE,)] = write({**chart.raw, "version": version}).encode()
    defaults = chart.root / VALUES_FILE
    own = read_values(defaults, VALUES_FILE) if merged.files and defaults.is_file() else {}
    if merged.files and merged.values != own:
        found[(VALUES_FILE,)] = write(merged.values).encode()
    return found


def _pack(
    name: str, files: Files, overrides: Mapping[tuple[str, ...], bytes], argument: Mapping[str, Any]
) -> Packed:
    contents: dict[tuple[str, ...], Callable[[], Content]] = {
        path: partial(_on_disk, file) for path, file in files
    }
    contents |= {path: partial(_in_memory, content) for path, content in overrides.items()}
    entries = (Entry((name, *path), EntryKind.FILE, content) for path, content in contents.items())
    with Path(argument["out"]).open("wb") as out:
        return pack(entries, out, algorithm=argument["algorithm"])


def _on_disk(file: Path) -> Content:
    return Content(file.stat().st_size, _chunks(file))


def _chunks(file: Path) -> Iterable[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _in_memory(content: bytes) -> Content:
    return Content(len(content), (content,))


def _bounds(argument: Mapping[str, Any]) -> Bounds:
    return Bounds(argument["max_chart"], argument["max_file"])


def _new(folder: str) -> Path:
    path = Path(folder)
    path.mkdir(parents=True)
    return path


def _problem(reason: str, message: str) -> dict[str, Any]:
    return {"problem": reason, "message": message}


def _said(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
