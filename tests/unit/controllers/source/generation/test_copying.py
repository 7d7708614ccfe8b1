"""Copies, strategy by strategy, as spec source 13.4 has them."""

from __future__ import annotations

import io
import stat
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controllers.source.generation.build import build_artifacts, content_hash
from controllers.source.generation.copying import apply_copies
from controllers.source.generation.paths import CopyRefused
from shared.artifacts.pack import entries_below
from shared.model.generator import Copy

TREE = {
    "README.md": "read",
    "a/f.yaml": "f: 1\n",
    "a/g.json": "{}",
    "a/.hidden.yaml": "h: 1\n",
    "a/sub/s.yaml": "s: 1\n",
    "a/sub/deep/d.yaml": "d: 1\n",
    "b/f.yaml": "f: 2\nlist: [2]\nmap: {y: 2}\n",
}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def archive(files: Mapping[str, str], *, link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
        if link:
            info = tarfile.TarInfo("link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
    return out.getvalue()


def copied(tmp_path: Path, *copies: dict[str, Any], tree: Mapping[str, str | bytes] | None = None) -> Path:
    source, staging = write(tmp_path / "source", TREE if tree is None else tree), tmp_path / "staging"
    staging.mkdir()
    apply_copies([Copy.parse({"to": "@artifact/"} | each) for each in copies], {"repo": source}, staging)
    return staging


def of(*names: str, below: str = "", without: str = "") -> dict[str, str]:
    return {below + name.removeprefix(without): TREE[name] for name in names}


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        pytest.param({"from": "@repo/a/f.yaml", "to": "@artifact/x/"}, {"x/f.yaml": "f: 1\n"}, id="into"),
        pytest.param({"from": "@repo/a/f.yaml", "to": "@artifact/x"}, {"x": "f: 1\n"}, id="as"),
        pytest.param({"from": "@repo/a/f.yaml"}, {"f.yaml": "f: 1\n"}, id="into the root"),
        pytest.param(
            {"from": "@repo/a/sub", "to": "@artifact/x"},
            of("a/sub/s.yaml", "a/sub/deep/d.yaml", below="x/", without="a/"),
            id="a directory",
        ),
        pytest.param(
            {"from": "@repo/a/sub/"},
            of("a/sub/s.yaml", "a/sub/deep/d.yaml", without="a/"),
            id="a directory with a slash",
        ),
        pytest.param(
            {"from": "@repo/", "to": "@artifact/all"}, {f"all/{n}": t for n, t in TREE.items()}, id="all"
        ),
        pytest.param(
            {"from": "@repo/a/**", "to": "@artifact/x"},
            of(*(n for n in TREE if n.startswith("a/")), below="x/", without="a/"),
            id="contents of a directory",
        ),
        pytest.param(
            {"from": "@repo/a/*.yaml", "to": "@artifact/x"},
            of("a/f.yaml", "a/.hidden.yaml", below="x/"),
            id="a glob keeps the path",
        ),
        pytest.param({"from": "@repo/*/f.yaml"}, of("a/f.yaml", "b/f.yaml"), id="a glob in the middle"),
        pytest.param({"from": "@repo/**/s.yaml", "exclude": ["x"]}, None, id="** is one component"),
        pytest.param({"from": "@repo/a/**/s.yaml"}, of("a/sub/s.yaml"), id="** is exactly one"),
        pytest.param(
            {"from": "@repo/a/s?b"}, of("a/sub/s.yaml", "a/sub/deep/d.yaml"), id="directories match"
        ),
        pytest.param(
            {"from": "@repo/a/**", "exclude": ["*.json", "sub/deep", ".*"]},
            of("a/f.yaml", "a/sub/s.yaml", without="a/"),
            id="excluded by name and below the prefix",
        ),
        pytest.param(
            {"from": "@repo/a/**", "exclude": ["a/**/*.yaml"]}, {"g.json": "{}"}, id="excluded from the root"
        ),
        pytest.param({"from": "@repo/a/f.yaml", "exclude": ["*.{yaml,yml}"]}, {}, id="an excluded file"),
    ],
)
def test_copies(tmp_path: Path, copy: dict[str, Any], expected: dict[str, str] | None) -> None:
    if expected is None:
        with pytest.raises(CopyRefused):
            copied(tmp_path, copy)
        return
    assert read(copied(tmp_path, copy)) == expected


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        ({"from": "@repo/none"}, "source 'none' does not exist"),
        ({"from": "@other/a"}, "source alias 'other' not found"),
        ({"from": "@repo/*.none"}, "no files match pattern"),
        ({"from": "@repo/a/*", "exclude": ["**"]}, "were excluded"),
        ({"from": "@repo/../../x"}, "leaves its root"),
        ({"from": "@repo//etc/passwd"}, "is not relative"),
        ({"from": "@repo/a/../../x/*"}, "leaves its root"),
        ({"from": "@repo/a", "to": "@artifact/../x"}, "leaves its root"),
        ({"from": "@repo/a", "to": "@artifact/x/../y"}, "without '..'"),
        ({"from": "@repo/a", "to": "@else/x"}, "must lie below '@artifact/'"),
        ({"from": "repo/a"}, "does not have the form"),
        ({"from": "@repo/[a"}, "invalid glob pattern"),
        ({"from": "@repo/a", "exclude": ["{a"]}, "a brace is not closed"),
        ({"from": "@repo/a", "exclude": ["{a,b}" * 20]}, "more than 1024 alternatives"),
        ({"from": "@repo/a", "strategy": "Extract"}, "is a directory"),
        ({"from": "@repo/a/f.yaml", "strategy": "Extract"}, "needs a .tar.gz or .tgz"),
    ],
)
def test_what_cannot_be_copied(tmp_path: Path, copy: dict[str, Any], said: str) -> None:
    with pytest.raises(CopyRefused) as caught:
        copied(tmp_path, copy)
    assert said in str(caught.value)


def test_the_later_wins_and_directories_are_filled(tmp_path: Path) -> None:
    staging = copied(
        tmp_path,
        {"from": "@repo/a/f.yaml", "to": "@artifact/x/f.yaml"},
        {"from": "@repo/b/f.yaml", "to": "@artifact/x"},
    )
    assert read(staging) == {"x/f.yaml": TREE["b/f.yaml"]}


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    one = {"from": "@repo/a/f.yaml", "to": "@artifact/x"}
    with pytest.raises(CopyRefused, match="'x' is a file already"):
        copied(tmp_path, one, {"from": "@repo/a/f.yaml", "to": "@artifact/x/y"})


def test_executables_stay_executable(tmp_path: Path) -> None:
    source, staging = write(tmp_path / "source", {"run": "x"}), tmp_path / "staging"
    staging.mkdir()
    (source / "run").chmod(0o755)
    apply_copies([Copy.parse({"from": "@repo/run", "to": "@artifact/"})], {"repo": source}, staging)
    assert stat.S_IMODE((staging / "run").stat().st_mode) & 0o111


def test_merge(tmp_path: Path) -> None:
    tree = {
        "base.yaml": "a: 1\nlist: [1, 2]\nmap: {x: 1, z: 1}\n",
        "over.yaml": "list: [3]\n---\nmap: {z: 2}\n---\n# nothing\n",
        "d/base.yaml": "only: this\n",
        "no.yaml": "- a\n",
    }
    merge = {"from": "@repo/over.yaml", "to": "@artifact/base.yaml", "strategy": "Merge"}
    first = {"from": "@repo/base.yaml"}
    assert read(copied(tmp_path, first, merge, tree=tree)) == {
        "base.yaml": "a: 1\nlist:\n- 3\nmap:\n  x: 1\n  z: 2\n"
    }
    (tmp_path / "alone").mkdir()
    assert read(copied(tmp_path / "alone", merge, tree=tree)) == {"base.yaml": tree["over.yaml"]}
    folder = {"from": "@repo/d/", "to": "@artifact/", "strategy": "Merge"}
    (tmp_path / "whole").mkdir()
    in_folder = {"from": "@repo/base.yaml", "to": "@artifact/d/"}
    found = read(copied(tmp_path / "whole", in_folder, folder, tree=tree))
    assert found == {"d/base.yaml": "only: this\n"}
    (tmp_path / "list").mkdir()
    with pytest.raises(CopyRefused, match=r"'no\.yaml' cannot be merged: line 1: the document is not a map"):
        copied(tmp_path / "list", first, {**merge, "from": "@repo/no.yaml"}, tree=tree)


def test_extract(tmp_path: Path) -> None:
    tree = {
        "x/c.tgz": archive({"c/Chart.yaml": "name: c"}),
        "x/y/z/d.TAR.GZ": archive({"d": "1"}),
        "e.txt": "1",
    }
    extract = {"strategy": "Extract", "to": "@artifact/out"}
    one = copied(tmp_path, {**extract, "from": "@repo/x/c.tgz"}, tree=tree)
    assert read(one) == {"out/c/Chart.yaml": "name: c"}
    (tmp_path / "all").mkdir()
    found = copied(tmp_path / "all", {"from": "@repo/e.txt", "to": "@artifact/out/d"}, {**extract, "from": "@repo/**"}, tree=tree)  # fmt: skip
    assert read(found) == {"out/c/Chart.yaml": "name: c", "out/d": "1"}
    assert not list(tmp_path.rglob("*.extracted"))


@pytest.mark.parametrize(
    "content",
    [archive({"../up": "1"}), archive({}, link="/etc"), b"no archive", archive({"a": "1"})[:-20]],
    ids=["upwards", "a link", "nonsense", "cut off"],
)
def test_hostile_archives(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CopyRefused, match=r"failed to extract 'c\.tgz'"):
        copied(tmp_path, {"from": "@repo/c.tgz", "strategy": "Extract"}, tree={"c.tgz": content})
    assert {path.name for path in tmp_path.iterdir()} == {"source", "staging"}


def test_the_same_content_is_the_same_artifact(tmp_path: Path) -> None:
    source = write(tmp_path / "s", TREE | {"logo.png": "x"})
    wanted = {"copies": [{"from": "@repo/", "to": "@artifact/"}], "name": "app"}
    missing = {"copies": [{"from": "@repo/none", "to": "@artifact/"}], "name": "none", "out": "unused"}
    job = {
        "sources": {"repo": str(source)},
        "staging": str(tmp_path / "staging"),
        "algorithm": "sha256",
        "artifacts": [wanted | {"out": str(tmp_path / name)} for name in ("one", "two")] + [missing, missing],
    }
    one, two, failed = build_artifacts(job)["built"]
    assert one == two
    assert "source 'none' does not exist" in failed["problem"]
    with tarfile.open(tmp_path / "one") as tar:
        assert {member.name for member in tar if member.isfile()} == set(TREE)
    assert not list((tmp_path / "staging").iterdir())


def test_the_name_of_the_file_is_that_of_flux(tmp_path: Path) -> None:
    """Adler-32 of the lines `<Adler-32 of the content>  <artifact>/<path>`."""
    write(tmp_path, {"b": "", "a/x": "Wikipedia"})
    entries = list(entries_below(tmp_path))
    lines = b"11e60398  app/a/x\n1  app/b\n"
    assert content_hash("app", entries) == zlib.adler32(lines)
    write(tmp_path, {"a\nb": ""})
    with pytest.raises(CopyRefused, match="line breaks"):
        content_hash("app", list(entries_below(tmp_path)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    source=st.text(st.sampled_from("ab./*?[]{}\\ \0"), max_size=12),
    target=st.text(st.sampled_from("ab./ \0"), max_size=12),
)
def test_nothing_is_read_or_written_elsewhere(tmp_path_factory: Any, source: str, target: str) -> None:
    root = tmp_path_factory.mktemp("x")
    write(root, {"secret": "canary"})
    try:
        staging = copied(root, {"from": f"@repo/{source}", "to": f"@artifact/{target}"}, tree={"a/b": "1"})
    except (CopyRefused, OSError):
        pass
    else:
        assert "canary" not in read(staging).values()
    assert {path.name for path in root.iterdir()} <= {"source", "staging", "secret"}
    assert read(root / "source") == {"a/b": "1"}
