"""Trees as a hostile server could send them, made object by object."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from dulwich.objects import Blob, ObjectID, Tree
from dulwich.repo import Repo

from shared.git.errors import RepositoryRefused
from shared.git.tree import TreeItem, sparse, walk

FILE, DIR, LINK, MODULE = 0o100644, 0o040000, 0o120000, 0o160000


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    (tmp_path / "bare").mkdir()
    with contextlib.closing(Repo.init_bare(str(tmp_path / "bare"))) as made:
        yield made


def blob(repo: Repo) -> ObjectID:
    made = Blob.from_string(b"x")
    repo.object_store.add_object(made)
    return made.id


def raw_tree(repo: Repo, *entries: tuple[bytes, int, ObjectID]) -> ObjectID:
    """A tree whose names nobody checked."""
    body = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(sha.decode()) for name, mode, sha in entries)
    tree = Tree.from_raw_string(Tree.type_num, body)
    repo.object_store.add_object(tree)
    return tree.id


@pytest.mark.parametrize("name", [b"..", b".", b"", b"a/b", b"../x", b"/etc"])
def test_names_that_lead_elsewhere(repo: Repo, name: bytes) -> None:
    tree = raw_tree(repo, (name, FILE, blob(repo)))
    with pytest.raises(RepositoryRefused):
        list(walk(repo, tree))


def test_duplicate_names(repo: Repo) -> None:
    sha = blob(repo)
    with pytest.raises(RepositoryRefused, match="duplicate"):
        list(walk(repo, raw_tree(repo, (b"a", FILE, sha), (b"a", LINK, sha))))


def test_git_folders_and_odd_names_are_names_like_any_other(repo: Repo) -> None:
    sha = blob(repo)
    names = [b".GIT", b".git", b"caf\xe9", b"-rf", b"a\nb"]
    found = list(walk(repo, raw_tree(repo, *[(name, FILE, sha) for name in names])))

    assert {item.path[0].encode("utf-8", "surrogateescape") for item in found} == set(names)


def test_a_tree_that_is_missing_or_none(repo: Repo) -> None:
    with pytest.raises(RepositoryRefused, match="is no git data"):
        list(walk(repo, ObjectID(b"f" * 40)))
    with pytest.raises(RepositoryRefused, match="is no git data"):
        list(walk(repo, raw_tree(repo, (b"d", DIR, blob(repo)))))


def test_bottomless_directories(repo: Repo) -> None:
    tree = raw_tree(repo, (b"f", FILE, blob(repo)))
    for _ in range(200):
        tree = raw_tree(repo, (b"d", DIR, tree))
    with pytest.raises(RepositoryRefused, match="nested deeper"):
        list(walk(repo, tree))


def test_a_bomb_of_repeated_directories(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten levels of ten times the same tree are 10^10 files in a kilobyte."""
    monkeypatch.setattr("shared.git.tree._MAX_ITEMS", 10_000)
    tree = raw_tree(repo, (b"f", FILE, blob(repo)))
    for _ in range(10):
        tree = raw_tree(repo, *[(b"%d" % i, DIR, tree) for i in range(10)])
    with pytest.raises(RepositoryRefused, match="more than"):
        list(walk(repo, tree))


def item(path: str, mode: int = FILE) -> TreeItem:
    return TreeItem(tuple(path.split("/")), mode, "")


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ([], ["a", "a/b", "a/b/c", "ab", "z"]),
        ([()], ["a", "a/b", "a/b/c", "ab", "z"]),
        ([("a", "b")], ["a", "a/b", "a/b/c"]),
        ([("a",), ("z",)], ["a", "a/b", "a/b/c", "z"]),
        ([("missing",)], []),
    ],
)
def test_sparse(wanted: list[tuple[str, ...]], kept: list[str]) -> None:
    items = [item("a", DIR), item("a/b", DIR), item("a/b/c"), item("ab"), item("z")]

    assert ["/".join(found.path) for found in sparse(items, wanted)] == kept
