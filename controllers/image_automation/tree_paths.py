"""Paths and symbolic links in a commit's tree, which lead nowhere but into that tree. Runs in the worker."""

import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from dulwich.objects import ObjectID
from dulwich.repo import Repo

from shared.git.tree import TreeItem, entries, walk

_MAX_LINKS = 40
_MAX_PATH = 4_096

Parts = tuple[str, ...]


class PathMissing(Exception):
    """There is no such file or directory in the tree."""


class Files:
    """The files of a tree, by path; only the directories that are asked for are read."""

    def __init__(self, repo: Repo, root: ObjectID) -> None:
        self.root = root
        self._repo = repo
        self._listed: dict[Parts, dict[str, TreeItem]] = {}

    def below(self, path: str) -> Iterator[tuple[str, TreeItem]]:
        """Regular files at or below a path, in lexical order, with names relative to it.

        Links in the path, and a leading `/`, are taken as if the tree were all there is. Linked files are
        among the results under the name of the link, linked directories are not. Raises PathMissing.
        """
        parts = self._led_to((), path, confined=True) if len(path) <= _MAX_PATH else None
        root = self._find(parts) if parts is not None else None
        if parts is None or root is None:
            raise PathMissing(f"path '{path[:200]}' does not exist in the repository")
        if not root.is_dir:
            if root.is_file:
                yield parts[-1], root
            return
        found = [replace(item, path=(*parts, *item.path)) for item in walk(self._repo, _id(root))]
        for linked in sorted(found, key=lambda item: item.path):
            item = self._real_file(linked)
            if item is not None:
                yield "/".join(linked.path[len(parts) :]), item

    def _find(self, parts: Parts) -> TreeItem | None:
        item: TreeItem | None = TreeItem((), stat.S_IFDIR, self.root.decode("ascii"))
        for name in parts:
            if item is None or not item.is_dir:
                return None
            item = self._children(item).get(name)
        return item

    def _children(self, directory: TreeItem) -> dict[str, TreeItem]:
        path = directory.path
        if path not in self._listed:
            self._listed[path] = {
                name: TreeItem((*path, name), mode, sha.decode("ascii"))
                for name, mode, sha in entries(self._repo, _id(directory))
            }
        return self._listed[path]

    def _real_file(self, item: TreeItem) -> TreeItem | None:
        """The file itself, or what a link to a file leads to; None for all else and for what leads out."""
        found: TreeItem | None = item
        if stat.S_ISLNK(item.mode):
            parts = self._led_to(item.path[:-1], self._target(item), confined=False)
            found = self._find(parts) if parts is not None else None
        return found if found is not None and found.is_file else None

    def _led_to(self, start: Parts, path: str, *, confined: bool) -> Parts | None:
        """Where a path leads, links followed. A confined one stops at the root, others that leave it lead
        nowhere, as do those with too many links.
        """
        done, todo, links = start, deque(_split(path)), 0
        if path.startswith("/"):
            if not confined:
                return None
            done = ()
        while todo:
            step = todo.popleft()
            if step == "..":
                if not done and not confined:
                    return None
                done = done[:-1]
                continue
            item = self._find((*done, step))
            if item is None or not stat.S_ISLNK(item.mode):
                done = (*done, step)
                continue
            target, links = self._target(item), links + 1
            if links > _MAX_LINKS or (target.startswith("/") and not confined):
                return None
            done = () if target.startswith("/") else done
            todo.extendleft(reversed(_split(target)))
        return done

    def _target(self, item: TreeItem) -> str:
        raw = self._repo.object_store[_id(item)].as_raw_string()
        return raw[:_MAX_PATH].decode("utf-8", "surrogateescape")


def _id(item: TreeItem) -> ObjectID:
    return ObjectID(item.sha.encode("ascii"))


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]
