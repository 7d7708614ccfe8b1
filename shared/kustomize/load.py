"""Read the files of one kustomization, within its root and within the limits of the build."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.kustomize.errors import (
    BuildError,
    CycleFound,
    FileMissing,
    KustomizationInvalid,
    KustomizationMissing,
    LimitExceeded,
    PathForbidden,
    RemoteRefused,
)
from shared.kustomize.filesystem import Tree, normalized, shown
from shared.kustomize.merge.schema import BuiltInSchema, Schema
from shared.kustomize.model import Kustomization, parse_kustomization
from shared.kustomize.options import LoadRestrictions, Options
from shared.kustomize.remote import (
    GitAddress,
    RemoteNeeded,
    Remotes,
    is_remote,
    is_web,
    parse_git_address,
    shown_address,
)
from shared.logic.go_yaml import YamlError, read_document

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(slots=True)
class Session:
    """What one build has used so far, and the schema it merges by (the first one set stays)."""

    options: Options
    files: int = 0
    bytes_read: int = 0
    schema: Schema = field(default_factory=BuiltInSchema)
    schema_is_set: bool = False

    def count(self, content: bytes, path: str) -> None:
        limits = self.options.limits
        self.files += 1
        self.bytes_read += len(content)
        if self.files > limits.files:
            raise LimitExceeded(f"{path}: more than {limits.files} files")
        if self.bytes_read > limits.total_bytes:
            raise LimitExceeded(f"{path}: more than {limits.total_bytes} bytes in all files")

    def check_deadline(self) -> None:
        if self.options.deadline is not None:
            self.options.deadline()


class Trail(NamedTuple):
    """What led to a kustomization: directories of its tree, outermost first, and repositories before it."""

    directories: tuple[str, ...] = ()
    repositories: tuple[GitAddress, ...] = ()
    depth: int = 0


_START = Trail()


class Loader:
    """The directory of one kustomization. Paths are relative to it, or absolute in the tree."""

    __slots__ = ("_trail", "root", "session", "tree")

    def __init__(self, session: Session, tree: Tree, root: str, trail: Trail = _START) -> None:
        self.session = session
        self.tree = tree
        self.root = tree.resolve(root)
        self._trail = trail
        if not tree.is_directory(self.root):
            raise FileMissing(f"{shown(self.root)}: must build at a directory")

    def child(self, path: str) -> "Loader":
        """The loader of another kustomization. Raises BuildError, and RemoteNeeded for one elsewhere."""
        if not path:
            raise KustomizationInvalid(f"{shown(self.root)}: unable to load an empty path")
        if is_remote(path):
            return self._remote_child(path)
        if path.startswith("/"):
            raise PathForbidden(f"{shown(self.root)}: new root {path!r} cannot be absolute")
        root = self.tree.resolve(self._joined(path))
        if not self.tree.is_directory(root):
            raise FileMissing(f"{shown(root)}: must build at a directory, but it is a file")
        chain = (*self._trail.directories, self.root)
        for visited in chain:
            if visited == root or visited.startswith(root.rstrip("/") + "/"):
                names = " -> ".join(shown(step) for step in (*chain[chain.index(visited) :], root))
                raise CycleFound(f"cycle detected: {names}")
        return self._below(self.tree, root, Trail(chain, self._trail.repositories))

    def _remote_child(self, path: str) -> "Loader":
        """The loader of a fetched kustomization, which sees nothing but its own tree."""
        remotes = self.remotes(path)
        address = parse_git_address(path)
        trail = (*self._trail.repositories, address)
        if address in self._trail.repositories:
            raise CycleFound(f"cycle detected: {' -> '.join(shown_address(step.url) for step in trail)}")
        tree, root = remotes.directory(address)
        return self._below(tree, root, Trail((), trail))

    def _below(self, tree: Tree, root: str, trail: Trail) -> "Loader":
        depth = self._trail.depth + 1
        if depth > self.session.options.limits.depth:
            raise LimitExceeded(f"{shown(root)}: kustomizations nested more than {depth - 1} levels deep")
        return Loader(self.session, tree, root, trail._replace(depth=depth))

    def remotes(self, path: str) -> Remotes:
        """What the build has of the network. Raises RemoteRefused when that is nothing."""
        remotes = self.session.options.remotes
        if remotes is None:
            raise RemoteRefused(f"{shown(self.root)}: remote resource '{shown_address(path)}' is not allowed")
        return remotes

    def remote_file(self, url: str) -> bytes:
        """The content behind http or https. Raises RemoteRefused, RemoteFailed, RemoteNeeded."""
        content = self.remotes(url).file(url)
        self.session.count(content, shown_address(url))
        return content

    def require_fetched(self, paths: Iterable[str]) -> None:
        """Raises RemoteNeeded for all of these that are missing: they can be fetched together."""
        wanted: set[str | GitAddress] = set()
        for path in filter(is_remote, paths):
            try:
                remotes = self.remotes(path)
                if is_web(path):
                    remotes.file(path)
                else:
                    remotes.directory(parse_git_address(path))
            except RemoteNeeded as needed:
                wanted |= needed.wanted
            except BuildError:
                continue  # told where it is used
        if wanted:
            raise RemoteNeeded(frozenset(wanted))

    def resolve(self, path: str) -> str:
        """The file or directory that a path means. Raises FileMissing, PathForbidden."""
        return self.tree.resolve(self._joined(path))

    def read(self, path: str) -> bytes:
        """The content of a file. Raises FileMissing, LimitExceeded, PathForbidden, RemoteRefused."""
        if is_web(path) and "\n" not in path:
            return self.remote_file(path)
        if is_remote(path):
            raise RemoteRefused(f"{shown(self.root)}: remote file '{shown_address(path)}' is not allowed")
        return self.read_resolved(self.resolve(path))

    def read_resolved(self, found: str) -> bytes:
        if self.tree.is_directory(found):
            raise FileMissing(f"{shown(found)}: is a directory, not a file")
        inside = found.startswith(self.root.rstrip("/") + "/")
        if not inside and self.session.options.load_restrictions is LoadRestrictions.ROOT_ONLY:
            raise PathForbidden(f"security; file {shown(found)!r} is not in or below {shown(self.root)!r}")
        return self._content(found)

    def _content(self, found: str) -> bytes:
        limits = self.session.options.limits
        left = max(0, min(limits.file_bytes, limits.total_bytes - self.session.bytes_read))
        content = self.tree.read(found, left)
        self.session.count(content, shown(found))
        return content

    def kustomization(self) -> tuple[str, Kustomization]:
        """The path and value of the kustomization file. Raises KustomizationMissing, KustomizationInvalid."""
        found = [name for name in FILE_NAMES if self._is_file(name)]
        if not found:
            raise KustomizationMissing(
                f"unable to find one of {_quoted(FILE_NAMES)} in directory {shown(self.root)!r}"
            )
        if len(found) > 1:
            raise KustomizationMissing(
                f"found multiple kustomization files under {shown(self.root)!r}: {_quoted(found)}"
            )
        resolved = self.resolve(found[0])
        path = shown(posixpath.join(self.root, found[0]))
        return path, self._parsed(self._content(resolved), path)

    def _parsed(self, content: bytes, path: str) -> Kustomization:
        try:
            value = read_document(content, limits=self.session.options.limits.yaml)
            value = {} if value is None else value
        except YamlError as error:
            raise KustomizationInvalid(
                f"{path}:{error.line}: invalid Kustomization: {error.message}"
            ) from error
        if not isinstance(value, dict):
            raise KustomizationInvalid(f"{path}: invalid Kustomization: expected a mapping")
        if not any(
            item not in (None, "") for key, item in value.items() if key not in ("apiVersion", "kind")
        ):
            raise KustomizationInvalid(f"{path} is empty")
        try:
            return parse_kustomization(value)
        except KustomizationInvalid as error:
            raise KustomizationInvalid(f"{path}: invalid Kustomization: {error}") from error

    def _is_file(self, name: str) -> bool:
        try:
            return not self.tree.is_directory(self.tree.resolve(posixpath.join(self.root, name)))
        except FileMissing:
            return False

    def _joined(self, path: str) -> str:
        return normalized_join(self.root, path)


def normalized_join(root: str, path: str) -> str:
    """An absolute path; a relative one is taken from `root`, and may not climb above the tree."""
    if path.startswith("/"):
        return path
    depth = root.count("/") if root != "/" else 0
    for step in path.split("/"):
        depth += -1 if step == ".." else 0 if step in ("", ".") else 1
        if depth < 0:
            raise PathForbidden(f"{path!r} in {shown(root)!r} leads outside of the root")
    return posixpath.join(root, path) if "/../" in f"/{path}/" else normalized(posixpath.join(root, path))


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
