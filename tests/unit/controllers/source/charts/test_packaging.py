"""Charts are read with suspicion, and packed so that the same chart gives the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.source.charts.packaging import inspect, open_source, package
from tests.fakes.chart_repository import archive, files_in, make_chart

LIMITS = {"max_chart": 200_000, "max_file": 50_000}


@pytest.fixture
def look(tmp_path: Path) -> Callable[[bytes], dict[str, Any]]:
    def run(chart: bytes) -> dict[str, Any]:
        number = len(list(tmp_path.iterdir()))
        file = tmp_path / f"chart-{number}.tgz"
        file.write_bytes(chart)
        return inspect({"archive": str(file), "folder": str(tmp_path / f"folder-{number}"), **LIMITS})

    return run


def linked() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("app/Chart.yaml")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    with gzip.open(out, "wb") as stream:
        info = tarfile.TarInfo("app/Chart.yaml")
        info.size = 150 * 1024 * 1024
        stream.write(info.tobuf())
        for _ in range(150):
            stream.write(bytes(1024 * 1024))
    return out.getvalue()


META = yaml.safe_dump({"apiVersion": "v2", "name": "app", "version": "1.0.0"})


def test_a_chart(look: Callable[[bytes], dict[str, Any]]) -> None:
    assert look(make_chart("app", "1.0.0")[0]) == {"name": "app", "version": "1.0.0"}
    # Charts of Helm 2 do not say which version of the format they have.
    assert look(archive({"app/Chart.yaml": "name: app\nversion: 1.0.0\n"})) == {
        "name": "app",
        "version": "1.0.0",
    }


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        (b"<html>", "not valid gzip"),
        (b"", "truncated"),
        (archive({"Chart.yaml": META}), "no Chart.yaml in one base directory"),
        (archive({"a/Chart.yaml": META, "b/Chart.yaml": META}), "no Chart.yaml in one base directory"),
        (archive({"../app/Chart.yaml": META}), "illegal name"),
        (archive({"/app/Chart.yaml": META}), "illegal name"),
        (archive({"app/Chart.yaml": "name: [\n"}), "cannot load Chart.yaml"),
        (archive({"app/Chart.yaml": "- x"}), "is no mapping"),
        (archive({"app/Chart.yaml": "a: &a [x]\n" + "b: &b [*a, *a]\n"}), "name is required"),
        (archive({"app/Chart.yaml": META, "app/big": "x" * 60_000}), "size of 'big' exceeds 50000 bytes"),
        (archive({"app/Chart.yaml": META.replace("app", "..")}), "name '..' is invalid"),
        (linked(), "is a symbolic link"),
        (bomb(), "unpacks to more than"),
    ],
    ids=range(13),
)
def test_what_is_refused(chart: bytes, words: str, look: Callable[[bytes], dict[str, Any]]) -> None:
    found = look(chart)
    assert found["problem"] == "ChartPullError"
    assert words in found["message"]


def test_too_large_a_chart(look: Callable[[bytes], dict[str, Any]]) -> None:
    import random

    noise = random.Random(1).randbytes(45_000)
    files = {f"app/{number}": noise[number:] for number in range(6)}
    assert "exceeds 200000 bytes limit" in look(archive({"app/Chart.yaml": META, **files}))["message"]


def packed(tmp_path: Path, chart: bytes, name: str, **more: Any) -> tuple[dict[str, Any], bytes]:
    file, out = tmp_path / f"{name}.tgz", tmp_path / f"{name}-out.tgz"
    file.write_bytes(chart)
    job = {
        "archive": str(file),
        "root": "",
        "path": "",
        "folder": str(tmp_path / name),
        "out": str(out),
        "algorithm": "sha256",
        "version": "1.0.0+3",
        "values_files": [],
        "ignore_missing": False,
        "missing": [],
        **LIMITS,
        **more,
    }
    answer = package(job)
    return answer, out.read_bytes() if "problem" not in answer else b""


def test_packing_is_reproducible(tmp_path: Path) -> None:
    files = {"values.yaml": "b: 1\na: {x: 1, z: 2} # why\n", "more.yaml": "a: {z: 3}\nc: [1]\n"}
    chart, _ = make_chart("app", "1.0.0", files)
    with tarfile.open(fileobj=io.BytesIO(chart)) as tar:
        shuffled = {
            m.name: source.read() for m in reversed(tar.getmembers()) if (source := tar.extractfile(m))
        }
    values = ["values.yaml", "./more.yaml"]
    first, one = packed(tmp_path, chart, "first", values_files=values)
    second, other = packed(tmp_path, archive(shuffled), "second", values_files=values)
    assert one == other
    assert first == second
    assert first["values_files"] == values
    found = files_in(one)
    assert yaml.safe_load(found["app/values.yaml"]) == {"b": 1, "a": {"x": 1, "z": 3}, "c": [1]}
    assert yaml.safe_load(found["app/Chart.yaml"])["version"] == "1.0.0+3"
    assert found["app/templates/config.yaml"] == files_in(chart)["app/templates/config.yaml"]


def test_what_need_not_change_stays_as_it_is(tmp_path: Path) -> None:
    written = "# the author's words\nname: app\nversion: 1.0.0\n"
    chart, _ = make_chart("app", "1.0.0", {"Chart.yaml": written, "same.yaml": "greeting: hello"})
    answer, out = packed(
        tmp_path, chart, "same", version="1.0.0", values_files=["same.yaml", "gone"], ignore_missing=True
    )
    assert files_in(out) == files_in(chart)
    # Values that are the defaults replace nothing.
    assert answer["values_files"] == []


def test_a_chart_without_values(tmp_path: Path) -> None:
    chart = archive({"app/Chart.yaml": META, "app/x.yaml": "a: 1\n"})
    answer, out = packed(tmp_path, chart, "bare", values_files=["values.yaml", "x.yaml"])
    assert answer["values_files"] == ["x.yaml"]
    assert files_in(out)["app/values.yaml"] == b"a: 1\n"


@pytest.mark.parametrize(
    ("files", "values", "words"),
    [
        ({}, ["gone.yaml"], "no values file found at path 'gone.yaml'"),
        ({}, ["../../../etc/passwd"], "no values file found"),
        ({"x.yaml": "- 1"}, ["x.yaml"], "is no mapping"),
        ({"x.yaml": "a: ["}, ["x.yaml"], "reading values from 'x.yaml' failed"),
        ({"x.yaml": "a: &a [1]\nb: *c"}, ["x.yaml"], "unknown anchor"),
    ],
)
def test_values_that_are_none(files: dict[str, str], values: list[str], words: str, tmp_path: Path) -> None:
    answer, _ = packed(tmp_path, make_chart("app", "1.0.0", files)[0], "x", values_files=values)
    assert answer["problem"] == "ValuesFilesError"
    assert words in answer["message"]


def source(tmp_path: Path, files: dict[str, str | bytes], path: str) -> dict[str, Any]:
    artifact = tmp_path / "artifact.tar.gz"
    artifact.write_bytes(archive(files))
    folder = tmp_path / "run" / "source"
    return open_source({"artifact": str(artifact), "folder": str(folder), "path": path, **LIMITS})


def test_what_a_source_holds(tmp_path: Path) -> None:
    wanted = [
        {"name": "a", "version": "1", "repository": "https://x"},
        {"name": "b", "version": "1", "repository": "file://../b", "alias": "bee"},
        {"name": "c", "version": ">0"},
    ]
    lock = {"dependencies": [{"name": "a", "version": "1.7.0", "repository": "https://x"}]}
    files = {
        "app/Chart.yaml": yaml.safe_dump({**yaml.safe_load(META), "dependencies": wanted}),
        "app/Chart.lock": yaml.safe_dump(lock),
        "app/charts/c-1.0.0.tgz": make_chart("c", "1.0.0")[0],
        "app/charts/_ignored/Chart.yaml": "",
    }
    found = source(tmp_path, files, "./app/")
    assert (found["name"], found["packaged"]) == ("app", False)
    assert [(each["name"], each["version"], each["alias"]) for each in found["missing"]] == [
        ("a", "1.7.0", ""),
        ("b", "1", "bee"),
    ]


def test_requirements_of_older_charts(tmp_path: Path) -> None:
    files = {
        "app/Chart.yaml": "apiVersion: v1\nname: app\nversion: 1.0.0\n",
        "app/requirements.yaml": "dependencies: [{name: a, version: 1.x, repository: https://x}]\n",
        "app/requirements.lock": "dependencies: [{name: a, version: 1.2.3, repository: https://x}]\n",
    }
    found = source(tmp_path, files, "app")
    assert [each["version"] for each in found["missing"]] == ["1.2.3"]


def test_as_many_charts_as_required_are_enough(tmp_path: Path) -> None:
    wanted = [{"name": "a", "version": "1", "repository": "https://x"}]
    files = {
        "app/Chart.yaml": yaml.safe_dump({**yaml.safe_load(META), "dependencies": wanted}),
        "app/charts/other/Chart.yaml": META.replace("app", "other"),
    }
    assert source(tmp_path, files, "app")["missing"] == []


def test_a_packaged_chart_in_a_source(tmp_path: Path) -> None:
    found = source(tmp_path, {"x/app.tgz": make_chart("app", "1.0.0")[0]}, "x/app.tgz")
    assert (found["name"], found["packaged"], found["missing"]) == ("app", True, [])


def test_a_local_dependency_must_have_the_version(tmp_path: Path) -> None:
    wanted = [{"name": "lib", "version": ">=2", "repository": "file://../lib"}]
    files = {
        "app/Chart.yaml": yaml.safe_dump({**yaml.safe_load(META), "dependencies": wanted}),
        "lib/Chart.yaml": META.replace("app", "lib"),
    }
    missing = source(tmp_path, files, "app")["missing"]
    root = tmp_path / "run" / "source"
    answer, _ = packed(tmp_path, b"", "x", archive="", root=str(root), path="app", missing=missing)
    assert answer["problem"] == "DependencyBuildError"
    assert "can't get a valid version for dependency 'lib': it is 1.0.0, not >=2" in answer["message"]
