"""Edits of whole trees: which files, which paths, and what a commit gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.image_automation.editing import edit_tree
from tests.fakes.git_repo import GitRepo

MARKED = 'image: a:1 # {"$imagepolicy": "fs:app"}\n'
SETTERS = {"fs:app": "a:2"}


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo.create(tmp_path / "repo.git")


def edited(repo: GitRepo, path: str = "", setters: dict[str, str] | None = None) -> dict[str, Any]:
    argument = {
        "repository": str(repo.path),
        "commit": repo.head(),
        "path": path,
        "setters": setters or SETTERS,
    }
    return edit_tree(argument)


def changed_files(repo: GitRepo, tree: str) -> list[str]:
    return repo.show("diff", "--name-only", repo.head(), tree).splitlines()


def link(repo: GitRepo, name: str, target: str) -> None:
    path = repo.work / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


async def test_which_files_are_edited(repo: GitRepo) -> None:
    ours = ("a.yaml", "b/c.yml", "b/Kustomization", ".hidden/x.yaml", "b/.yaml", "A.yaml")
    theirs = ("b/kustomization", "b/c.json", "b/c.yaml.tmpl", "b/c.YAML", "b/README")
    repo.commit({**dict.fromkeys((*ours, *theirs), MARKED), "plain.yaml": "image: a:1 # fs:app\n"})

    found = edited(repo)

    assert changed_files(repo, found["tree"]) == sorted(ours)
    assert [change["file"] for change in found["changes"]] == sorted(ours)
    repo.show("fsck", "--strict")


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("", ["apps/a.yaml", "apps/b/c.yaml", "apps-b.yaml"]),
        (".", ["apps-b.yaml", "apps/a.yaml", "apps/b/c.yaml"]),
        ("/", ["apps-b.yaml", "apps/a.yaml", "apps/b/c.yaml"]),
        ("apps", ["a.yaml", "b/c.yaml"]),
        ("./apps/", ["a.yaml", "b/c.yaml"]),
        ("/apps//b/.", ["c.yaml"]),
        ("apps/../../../apps/b", ["c.yaml"]),
        ("apps/a.yaml", ["a.yaml"]),
        ("link", ["c.yaml"]),
        ("absolute", ["c.yaml"]),
        ("escaping", ["a.yaml", "b/c.yaml"]),
        ("deep/link", ["c.yaml"]),
        ("file.yaml", ["a.yaml"]),
    ],
)
async def test_paths(repo: GitRepo, path: str, files: list[str]) -> None:
    (repo.work / "deep").mkdir()
    for name, target in (
        ("link", "apps/b"),
        ("absolute", "/apps/b"),
        ("escaping", "../../../../apps"),
        ("deep/link", "../link"),
    ):
        link(repo, name, target)
    if path == "file.yaml":
        link(repo, "file.yaml", "apps/a.yaml")
    repo.commit({"apps/a.yaml": MARKED, "apps/b/c.yaml": MARKED, "apps-b.yaml": MARKED})

    found = edited(repo, path)

    assert sorted(change["file"] for change in found["changes"]) == sorted(files)


@pytest.mark.parametrize(
    "path", ["gone", "a.yaml/b", "loop", "loop/x", "dangling", "x" * 5000, "a\0b", "\ud800"]
)
async def test_paths_that_lead_nowhere(repo: GitRepo, path: str) -> None:
    link(repo, "loop", "loop")
    link(repo, "dangling", "gone")
    repo.commit({"a.yaml": MARKED})

    assert "path" in edited(repo, path)["error"]


async def test_links_are_followed_within_the_tree_alone(repo: GitRepo) -> None:
    link(repo, "apps/to.yaml", "../shared/real.yaml")
    link(repo, "apps/again.yaml", "to.yaml")
    link(repo, "apps/absolute.yaml", "/shared/real.yaml")
    link(repo, "apps/outside.yaml", "../../shared/real.yaml")
    link(repo, "apps/etc.yaml", "/etc/passwd")
    link(repo, "apps/dir.yaml", "../shared")
    link(repo, "apps/loop.yaml", "loop.yaml")
    link(repo, "apps/folder", "../shared")
    link(repo, "apps/through.yaml", "folder/other.yaml")
    repo.commit({"shared/real.yaml": MARKED, "shared/other.yaml": MARKED})

    found = edited(repo, "apps")

    assert [change["file"] for change in found["changes"]] == ["again.yaml", "through.yaml"]
    assert changed_files(repo, found["tree"]) == ["shared/other.yaml", "shared/real.yaml"]


async def test_modes_and_neighbours_stay(repo: GitRepo) -> None:
    repo.write({"run.yaml": MARKED, "other": "x"})
    (repo.work / "run.yaml").chmod(0o755)
    repo.commit({})

    tree = edited(repo)["tree"]

    assert repo.show("ls-tree", tree, "run.yaml").startswith("100755 blob")
    assert repo.show("ls-tree", tree, "other") == repo.show("ls-tree", "main", "other")
    assert repo.show("show", f"{tree}:run.yaml") == MARKED.replace("a:1", "a:2").strip()


async def test_what_cannot_be_read_is_left_and_named(repo: GitRepo) -> None:
    repo.commit(
        {
            "bad.yaml": MARKED + "a: [\n",
            "latin.yaml": MARKED.encode() + b"a: caf\xe9\n",
            "utf16.yaml": MARKED.encode("utf-16"),
            "good.yaml": MARKED,
            "nul.yaml": MARKED.encode() + b"a: \0\n",
        }
    )

    found = edited(repo)

    assert changed_files(repo, found["tree"]) == ["good.yaml"]
    assert sorted(found["skipped"]) == ["bad.yaml", "latin.yaml", "nul.yaml"]
    assert found["skipped"]["latin.yaml"] == "not UTF-8"


async def test_nothing_new_is_no_tree(repo: GitRepo) -> None:
    repo.commit({"a.yaml": MARKED.replace("a:1", "a:2"), "b.yaml": "a: 1\n"})

    found = edited(repo)

    assert (found["tree"], found["changes"]) == ("", [])


async def test_a_huge_file_is_an_error_where_it_is_marked(repo: GitRepo) -> None:
    huge = "a: 1\n---\n" * 4_000_000
    repo.commit({"huge.yaml": huge, "a.yaml": MARKED})
    assert changed_files(repo, edited(repo)["tree"]) == ["a.yaml"]

    repo.commit({"huge.yaml": huge + MARKED})

    assert "file 'huge.yaml' has" in edited(repo)["error"]


async def test_too_many_changes_are_an_error(repo: GitRepo) -> None:
    repo.commit({"a.yaml": "l:\n" + '- a:1 # {"$imagepolicy": "fs:app"}\n' * 50_001})

    assert "set spec.update.path" in edited(repo)["error"]


async def test_names_that_are_no_text(repo: GitRepo) -> None:
    name = b"caf\xe9.yaml".decode("utf-8", "surrogateescape")
    repo.commit({name: MARKED})

    found = edited(repo)

    assert found["changes"][0]["file"] == "caf\ufffd.yaml"
    assert "caf\\351.yaml" in repo.show("diff", "--name-only", "main", found["tree"])
