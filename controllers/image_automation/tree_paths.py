"""Paths and symbolic links in a commit's tree, which lead nowhere but into that tree. Runs in the worker."""

import stat
from collections.abc import Iterator

from dulwich.objects import ObjectID
from dulwich.repo import Repo

from shared.git.tree import TreeItem, walk

_MAX_LINKS = 40
_MAX_TARGET = 4_096

Parts = tuple[str, ...]


class PathMissing(Exception):
    """There is no such file or directory in the tree."""


class Files:
    """The files of a tree, by path; all of them are known from the start, but none is read."""

    def __init__(self, repo: Repo, root: ObjectID) -> None:
        self.root = root
        self._repo = repo
        self._items: dict[Parts, TreeItem] = {item.path: item for item in walk(repo, root)}

    def below(self, path: str) -> Iterator[tuple[str, TreeItem]]:
        """Regular files at or below a path, in lexical order, with names relative to it.

        Links in the path, and a leading `/`, are taken as if the tree were all there is. Linked files are
        among the results under the name of the link, linked directories are not. Raises PathMissing.
        """
        parts = self._confined(path)
        if parts and parts not in self._items:
            raise PathMissing(f"path '{path}' does not exist in the repository")
        if parts and not self._items[parts].is_dir:
            if self._items[parts].is_file:
                yield parts[-1], self._items[parts]
            return
        depth = len(parts)
        for found in sorted(self._items):
            if found[:depth] == parts and len(found) > depth:
                item = self._real_file(self._items[found])
                if item is not None:
                    yield "/".join(found[depth:]), item

    def _confined(self, path: str) -> Parts:
        """Where a path leads when `..` and absolute links stop at the root."""
        done: Parts = ()
        todo = _split(path)
        links = 0
        while todo:
            step, *todo = todo
            if step == "..":
                done = done[:-1]
                continue
            item = self._items.get((*done, step))
            if item is None or not stat.S_ISLNK(item.mode):
                done = (*done, step)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise PathMissing(f"path '{path}' has too many levels of symbolic links")
            target = self._target(item)
            done = () if target.startswith("/") else done
            todo = [*_split(target), *todo]
        return done

    def _real_file(self, item: TreeItem) -> TreeItem | None:
        """The file itself, or what a link to a file leads to; None for all else and for what leads out."""
        for _ in range(_MAX_LINKS):
            if not stat.S_ISLNK(item.mode):
                return item if item.is_file else None
            parts = self._followed(item)
            found = self._items.get(parts) if parts else None
            if found is None:
                return None
            item = found
        return None

    def _followed(self, item: TreeItem) -> Parts | None:
        """One link, as the kernel follows it, where `..` above the root and `/` lead out of the tree."""
        target = self._target(item)
        if target.startswith("/"):
            return None
        parts = list(item.path[:-1])
        for step in _split(target):
            if step != "..":
                parts.append(step)
            elif parts:
                parts.pop()
            else:
                return None
        return tuple(parts)

    def _target(self, item: TreeItem) -> str:
        raw = self._repo.object_store[ObjectID(item.sha.encode("ascii"))].as_raw_string()
        return raw[:_MAX_TARGET].decode("utf-8", "surrogateescape")


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]
