"""Walk a commit's tree without checking it out. Runs in the worker."""

import contextlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dulwich.objects import S_ISGITLINK, Commit, ObjectID, Tree, parse_tree
from dulwich.repo import Repo

from shared.git.errors import PathNotFound, RepositoryRefused
from shared.git.garbage import refusing_garbage

_MAX_ITEMS = 1_000_000
_MAX_DEPTH = 128
_EXECUTABLE = 0o100


@dataclass(frozen=True, slots=True)
class TreeItem:
    """One entry: `mode` as git stores it, `path` as components, `sha` of the object."""

    path: tuple[str, ...]
    mode: int
    sha: str

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_executable(self) -> bool:
        return self.is_file and bool(self.mode & _EXECUTABLE)

    @property
    def is_submodule(self) -> bool:
        return S_ISGITLINK(self.mode)


def walk(repo: Repo, tree: ObjectID) -> Iterator[TreeItem]:
    """Every entry below a tree, parents before children. Raises RepositoryRefused."""
    pending: list[tuple[tuple[str, ...], ObjectID]] = [((), tree)]
    count = 0
    while pending:
        base, sha = pending.pop()
        if len(base) >= _MAX_DEPTH:
            raise RepositoryRefused(f"directories nested deeper than {_MAX_DEPTH}")
        for name, mode, child in entries(repo, sha):
            count += 1
            if count > _MAX_ITEMS:
                raise RepositoryRefused(f"more than {_MAX_ITEMS} files and directories")
            path = (*base, name)
            yield TreeItem(path, mode, child.decode("ascii"))
            if stat.S_ISDIR(mode):
                pending.append((path, child))


def entries(repo: Repo, sha: ObjectID) -> list[tuple[str, int, ObjectID]]:
    """What one tree holds: name, mode, hash. Raises RepositoryRefused."""
    with refusing_garbage(f"tree {sha.decode('ascii', 'replace')}"):
        kind, raw = repo.object_store.get_raw(sha)
        if kind != Tree.type_num:
            raise ValueError("not a tree")
        items = list(parse_tree(raw, len(sha) // 2))
    named = [(name.decode("utf-8", "surrogateescape"), mode, ObjectID(child)) for name, mode, child in items]
    names = {name for name, _, _ in named}
    bad = next((name for name in names if name in ("", ".", "..") or "/" in name or "\0" in name), None)
    if bad is not None:
        raise RepositoryRefused(f"tree {sha.decode('ascii')} has an illegal name: {bad!r}")
    if len(names) != len(named):
        raise RepositoryRefused(f"tree {sha.decode('ascii')} has duplicate names")
    return named


def require_paths_of(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `repository`, `commit`, `paths` -> nothing. Raises PathNotFound for what is not there."""
    with contextlib.closing(Repo(argument["repository"])) as repo:
        commit = repo[ObjectID(argument["commit"].encode("ascii"))]
        assert isinstance(commit, Commit)
        present = {item.path for item in walk(repo, commit.tree)}
    for path in argument["paths"]:
        if path and tuple(path) not in present:
            raise PathNotFound(f"sparse checkout path '{'/'.join(path)}' does not exist")
    return {}


def sparse(items: list[TreeItem], wanted: list[tuple[str, ...]]) -> list[TreeItem]:
    """What is below one of the paths, and the directories that lead there; no paths mean everything."""
    if not wanted or () in wanted:
        return items
    leading = {path[:depth] for path in wanted for depth in range(1, len(path))}
    return [item for item in items if item.path in leading or any(item.path[: len(p)] == p for p in wanted)]
