"""Tarballs straight from genuine repositories."""

import tarfile
from pathlib import Path
from typing import Any

import pytest

from controllers.source.obtain import inside
from controllers.source.packing import pack_commit
from tests.fakes.git_repo import GitRepo


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo.create(tmp_path / "repo.git")


def packed(repo: GitRepo, out: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "out": str(out),
        "algorithm": "sha256",
        "repository": str(repo.path),
        "commit": repo.head(),
        "modules": [],
        "sparse": [],
        "ignore": None,
        "includes": [],
    }
    return pack_commit(given | changes)


def members(repo: GitRepo, tmp_path: Path, **changes: Any) -> dict[str, int]:
    """Names and modes of what is in the tarball."""
    assert "digest" in packed(repo, tmp_path / "out", **changes)
    with tarfile.open(tmp_path / "out") as tar:
        return {member.name: member.mode for member in tar}


def test_a_tree_becomes_a_normalised_tarball(repo: GitRepo, tmp_path: Path) -> None:
    repo.write({"run.sh": "#!/bin/sh\n", "sub/dir/file": "x"})
    (repo.work / "run.sh").chmod(0o755)
    (repo.work / "link").symlink_to("/etc/passwd")
    repo.commit({".gitignore": "x", ".github/ci.yml": "x", "pic.png": "x"})

    assert members(repo, tmp_path) == {
        ".": 0o750,
        "run.sh": 0o700,
        "sub": 0o750,
        "sub/dir": 0o750,
        "sub/dir/file": 0o600,
    }


def test_the_same_commit_gives_the_same_digest(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({f"{i}/f": str(i) for i in range(20)})

    assert packed(repo, tmp_path / "one") == packed(repo, tmp_path / "two")


def test_nested_ignore_files_and_the_specs(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit(
        {".sourceignore": "*.md\n", "a/.sourceignore": "!keep.md\n", "a/keep.md": "", "keep.md": "", "b": ""}
    )

    assert set(members(repo, tmp_path)) == {".", ".sourceignore", "a", "a/.sourceignore", "a/keep.md", "b"}
    assert "b" not in members(repo, tmp_path, ignore="/b")


def test_sparse_paths_keep_out_the_rest(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({".sourceignore": "*\n", "a/b/c": "", "a/other": "", "ab/x": "", "z": ""})

    assert set(members(repo, tmp_path, sparse=[["a", "b"], ["z"]])) == {".", "a", "a/b", "a/b/c", "z"}


def test_modules_appear_at_their_place(repo: GitRepo, tmp_path: Path) -> None:
    other = GitRepo.create(tmp_path / "other.git")
    commit = other.commit({"lib": ""})
    repo.commit({"a": ""})
    module = {"path": ["vendor", "lib"], "repository": str(other.path), "commit": commit}

    assert "vendor/lib/lib" in members(repo, tmp_path, modules=[module])


@pytest.fixture
def included(tmp_path: Path) -> Path:
    folder = tmp_path / "included"
    (folder / "deploy" / "deep").mkdir(parents=True)
    (folder / "deploy" / "deep" / "x.yaml").write_text("x")
    (folder / "deploy" / "y.png").write_text("y")
    (folder / "single").write_text("s")
    return folder


@pytest.mark.parametrize(
    ("moved", "names"),
    [
        ((["deploy"], ["new", "place"]), {"new", "new/place", "new/place/deep", "new/place/deep/x.yaml"}),
        (([], ["all"]), {"all", "all/single", "all/deploy", "all/deploy/deep", "all/deploy/deep/x.yaml"}),
        ((["single"], ["one"]), {"one"}),
    ],
    ids=["a directory", "everything", "a file"],
)
def test_includes(
    repo: GitRepo, tmp_path: Path, included: Path, moved: tuple[list[str], list[str]], names: set[str]
) -> None:
    repo.commit({"a": ""})
    plan = [{"directory": str(included), "from": moved[0], "to": moved[1]}]

    assert set(members(repo, tmp_path, includes=plan)) == {".", "a"} | names


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ((["deploy"], ["full"]), "'full' is not empty"),
        ((["deploy"], ["file"]), "'file' is not empty"),
        ((["deploy"], ["file", "below"]), "is below a file"),
        ((["deploy"], []), "'' is not empty"),
        ((["gone"], ["new"]), "'gone' does not exist"),
    ],
)
def test_includes_that_do_not_fit(
    repo: GitRepo, tmp_path: Path, included: Path, moved: tuple[list[str], list[str]], words: str
) -> None:
    repo.commit({"full/x": "", "file": ""})
    plan = [{"directory": str(included), "from": moved[0], "to": moved[1]}]
    result = packed(repo, tmp_path / "out", includes=plan)

    assert result["problem"] == "CopyFailure"
    assert words in result["message"]


def test_oversized_ignore_rules(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({".sourceignore": "x\n" * 600_000})
    assert packed(repo, tmp_path / "out")["problem"] == "SourceIgnoreError"

    repo.commit({".sourceignore": "x\n" * 20_000})
    assert packed(repo, tmp_path / "out")["problem"] == "SourceIgnoreError"


@pytest.mark.parametrize(
    ("path", "parts"),
    [("", ()), ("./a//b/", ("a", "b")), ("../../etc", ("etc",)), ("a/../b", ("b",)), ("/abs", ("abs",))],
)
def test_no_path_leaves_the_root(path: str, parts: tuple[str, ...]) -> None:
    assert inside(path) == parts
