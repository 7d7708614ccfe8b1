"""Where a build reads from: a tree of files behind absolute POSIX paths, whose root is a jail.

`/` is the root of the tree, whatever directory of the machine that is. Paths are resolved
through symbolic links before they are used, and one that leads out of the tree is refused.
"""

# ruff: noqa: PTH112, PTH115, PTH123, PTH208 - paths are texts here; pathlib is slow to import and to use

import os
import posixpath
import stat
from collections.abc import Mapping
from typing import Protocol

from shared.kustomize.errors import FileMissing, LimitExceeded, PathForbidden

_MAX_LINKS = 40


class Tree(Protocol):
    """Files by absolute path. `resolve` first; the other calls take what it returned."""

    def resolve(self, path: str) -> str:
        """The path without symbolic links or dots. Raises FileMissing, PathForbidden."""
        ...

    def is_directory(self, path: str) -> bool: ...

    def read(self, path: str, limit: int) -> bytes:
        """The content. Raises FileMissing, LimitExceeded beyond `limit` bytes."""
        ...

    def names(self, path: str) -> list[str]:
        """The entries of a directory, sorted."""
        ...


class DirectoryTree:
    """The files below one directory of the machine; nothing outside of it is read."""

    __slots__ = ("_root",)

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(root)

    def resolve(self, path: str) -> str:
        # One component at a time, so that a link is judged before it is followed.
        done, rest, links = "/", _parts(path), 0
        while rest:
            part = rest.pop(0)
            if part == "..":
                done = posixpath.dirname(done)
                continue
            candidate = posixpath.join(done, part)
            real = self._real(candidate)
            try:
                mode = os.lstat(real).st_mode
            except (OSError, ValueError) as error:
                raise FileMissing(f"{shown(candidate)}: no such file or directory") from error
            if not stat.S_ISLNK(mode):
                done = candidate
                continue
            links += 1
            if links > _MAX_LINKS:
                raise PathForbidden(f"{shown(path)}: too many symbolic links")
            rest = _parts(self._inside(candidate, os.readlink(real))) + rest
            done = "/"
        return done

    def _inside(self, link: str, target: str) -> str:
        """Where a link leads, as a path of this tree; refuses one that leads out of it."""
        absolute = target.startswith("/")
        joined = target if absolute else posixpath.join(self._real(posixpath.dirname(link)), target)
        normal = posixpath.normpath(joined)
        if normal != self._root and not normal.startswith(self._root.rstrip("/") + "/"):
            raise PathForbidden(f"{shown(link)}: the symbolic link leads outside of the root")
        return "/" + posixpath.relpath(normal, self._root)

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(self._real(path))

    def read(self, path: str, limit: int) -> bytes:
        try:
            # A device or a pipe could block for ever.
            descriptor = os.open(self._real(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise FileMissing(f"{shown(path)}: cannot be read") from error
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileMissing(f"{shown(path)}: not a regular file")
            content = file.read(limit + 1)
        if len(content) > limit:
            raise LimitExceeded(f"{shown(path)}: larger than the {limit} bytes that are left")
        return content

    def names(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(self._real(path)))
        except OSError as error:
            raise FileMissing(f"{shown(path)}: cannot be listed") from error

    def _real(self, path: str) -> str:
        return self._root if path == "/" else self._root.rstrip("/") + path


class MemoryTree:
    """Files held in memory, by absolute path; directories exist by their files."""

    __slots__ = ("_directories", "_files")

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._files = {
            normalized(path): content.encode() if isinstance(content, str) else content
            for path, content in files.items()
        }
        self._directories: dict[str, set[str]] = {"/": set()}
        for path in self._files:
            while path != "/":
                parent, name = posixpath.split(path)
                self._directories.setdefault(parent, set()).add(name)
                path = parent  # noqa: PLW2901 - climbs from the file to the root

    def resolve(self, path: str) -> str:
        normal = normalized(path)
        if normal not in self._files and normal not in self._directories:
            raise FileMissing(f"{shown(path)}: no such file or directory")
        return normal

    def is_directory(self, path: str) -> bool:
        return path in self._directories

    def read(self, path: str, limit: int) -> bytes:
        try:
            content = self._files[path]
        except KeyError:
            raise FileMissing(f"{shown(path)}: cannot be read") from None
        if len(content) > limit:
            raise LimitExceeded(f"{shown(path)}: larger than the {limit} bytes that are left")
        return content

    def names(self, path: str) -> list[str]:
        return sorted(self._directories.get(path, ()))


class OverlaidTree:
    """A tree with some files added or replaced in memory, such as a generated kustomization."""

    __slots__ = ("_over", "_under")

    def __init__(self, under: Tree, over: Mapping[str, bytes | str]) -> None:
        self._under = under
        self._over = MemoryTree(over)

    def resolve(self, path: str) -> str:
        try:
            return self._under.resolve(path)
        except FileMissing:
            parent, name = posixpath.split(posixpath.normpath(path))
            return self._over.resolve(posixpath.join(self._under.resolve(parent), name))

    def is_directory(self, path: str) -> bool:
        return self._under.is_directory(path)

    def read(self, path: str, limit: int) -> bytes:
        try:
            return self._over.read(path, limit)
        except FileMissing:
            return self._under.read(path, limit)

    def names(self, path: str) -> list[str]:
        return sorted({*self._under.names(path), *self._over.names(path)})


def normalized(path: str) -> str:
    """An absolute path without dots; `..` at the root stays at the root."""
    normal = posixpath.normpath("/" + path)
    return "/" + normal.lstrip("/")


def shown(path: str) -> str:
    """A path for a message: relative to the root of the tree, and on one line."""
    text = path.lstrip("/") or "."
    return text if text.isprintable() else repr(text)[1:-1]


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
