"""The kustomization of a directory that has none: all YAML below it (specs/kustomize.md 5.1)."""

import posixpath

from shared.kustomize.errors import FileMissing, LimitExceeded, ResourceInvalid
from shared.kustomize.filesystem import Tree, shown
from shared.kustomize.load import FILE_NAMES
from shared.kustomize.model import KUSTOMIZATION_VERSION
from shared.kustomize.options import Limits
from shared.kustomize.reading import read_resources

_EXTENSIONS = (".yaml", ".yml")
_MAX_DIRECTORIES_DEEP = 64


def find_kustomization(tree: Tree, directory: str) -> str | None:
    """The path of the kustomization file in a directory, or None; the first of the known names counts."""
    for name in FILE_NAMES:
        path = posixpath.join(directory, name)
        try:
            if not tree.is_directory(tree.resolve(path)):
                return path
        except FileMissing:
            continue
    return None


def generate_kustomization(tree: Tree, directory: str, limits: Limits | None = None) -> dict[str, object]:
    """A kustomization whose resources are the YAML files below `directory`, in lexical order.

    A sub-directory with a kustomization file of its own is one resource. Every file is read, and
    must hold Kubernetes objects: raises ResourceInvalid, which names the file and line, and
    LimitExceeded.
    """
    bounds = limits or Limits()
    walk = _Walk(tree, bounds)
    walk.add(tree.resolve(directory), ".", 0)
    kustomization: dict[str, object] = {"apiVersion": KUSTOMIZATION_VERSION, "kind": "Kustomization"}
    if walk.resources:
        kustomization["resources"] = walk.resources
    else:
        # Without any field the file would count as empty, and be refused.
        kustomization["namespace"] = "_placeholder"
    return kustomization


class _Walk:
    """What has been found so far."""

    __slots__ = ("_bytes", "_limits", "_tree", "resources")

    def __init__(self, tree: Tree, limits: Limits) -> None:
        self._tree = tree
        self._limits = limits
        self._bytes = 0
        self.resources: list[str] = []

    def add(self, directory: str, relative: str, depth: int) -> None:
        if depth > _MAX_DIRECTORIES_DEEP:
            raise LimitExceeded(f"{shown(directory)}: directories nested too deeply")
        for name in self._tree.names(directory):
            try:
                path = self._tree.resolve(posixpath.join(directory, name))
            except FileMissing:
                continue  # a dangling link is no file
            found = posixpath.join(relative, name)
            if not self._tree.is_directory(path):
                if name.endswith(_EXTENSIONS):
                    self._require_objects(path)
                    self._take(found)
            elif path != posixpath.join(directory, name):
                continue  # links to directories are not followed
            elif find_kustomization(self._tree, path) is not None:
                self._take(found)
            else:
                self.add(path, found, depth + 1)

    def _take(self, found: str) -> None:
        if len(self.resources) >= self._limits.files:
            raise LimitExceeded(f"more than {self._limits.files} files")
        self.resources.append(found)

    def _require_objects(self, path: str) -> None:
        left = min(self._limits.file_bytes, self._limits.total_bytes - self._bytes)
        content = self._tree.read(path, max(0, left))
        self._bytes += len(content)
        try:
            read_resources(content, shown(path), self._limits.yaml)
        except ResourceInvalid as error:
            raise ResourceInvalid(f"failed to decode Kubernetes YAML from {error}") from error
