"""Write a fetched commit to disk as plain files. Runs in a git worker process.

Nothing is written through a link: names within a tree are unique, and a link is no directory of it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dulwich.objects import Blob, ObjectID
from dulwich.repo import Repo

from shared.git.errors import RepositoryRefused
from shared.git.fetching import peel
from shared.git.garbage import refusing_garbage
from shared.git.tree import TreeItem, walk

_MAX_LINK = 4_096


@dataclass(slots=True)
class _Bounds:
    """What may still be written."""

    files: int
    bytes: int

    def take(self, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        if self.files < 0 or self.bytes < 0:
            raise RepositoryRefused("the repository is too large for a remote base")


def check_out(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `repository`, `commit`, `modules` as fetch_submodules gives them, `into` (a new directory),
    `max_files`, `max_bytes` -> `size` in bytes. Raises RepositoryRefused.
    """
    bounds = _Bounds(argument["max_files"], argument["max_bytes"])
    trees = [{"path": [], "repository": argument["repository"], "commit": argument["commit"]}]
    for tree in [*trees, *argument["modules"]]:
        into = Path(argument["into"]).joinpath(*tree["path"])
        into.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(Repo(tree["repository"])) as repo:
            for item in walk(repo, peel(repo, tree["commit"])[0].tree):
                _write(repo, item, into.joinpath(*item.path), bounds)
    return {"size": argument["max_bytes"] - bounds.bytes}


def _write(repo: Repo, item: TreeItem, path: Path, bounds: _Bounds) -> None:
    if item.is_dir or item.is_submodule:
        bounds.take(0)
        path.mkdir()
        return
    with refusing_garbage(f"blob {item.sha}"):
        kind, raw = repo.object_store.get_raw(ObjectID(item.sha.encode("ascii")))
        if kind != Blob.type_num:
            raise ValueError("not a blob")
    bounds.take(len(raw))
    if stat.S_ISLNK(item.mode):
        _link(raw, path)
    else:
        path.write_bytes(raw)


def _link(raw: bytes, path: Path) -> None:
    """Where it leads is judged by whoever reads; here it only has to be possible."""
    if not raw or len(raw) > _MAX_LINK or b"\0" in raw:
        raise RepositoryRefused(f"'{path.name}' is no usable symbolic link")
    path.symlink_to(os.fsdecode(raw))
