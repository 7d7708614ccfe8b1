"""From a Kustomization's spec to a tree that builds as it says, without writing to a disk."""

from collections.abc import Mapping
from typing import Any

from shared.kustomize.errors import KustomizationInvalid
from shared.kustomize.filesystem import OverlaidTree, Tree, normalized, shown
from shared.kustomize.generate import find_kustomization, generate_kustomization
from shared.kustomize.load import FILE_NAMES
from shared.kustomize.mutate import Mutation, mutate
from shared.kustomize.options import Limits
from shared.logic.go_yaml import YamlError, read_document
from shared.logic.go_yaml_write import write


def prepared(tree: Tree, directory: str, mutation: Mutation, limits: Limits | None = None) -> Tree:
    """The tree with the directory's kustomization file found or generated, and mutated.

    Raises KustomizationInvalid, ResourceInvalid and the errors of reading files.
    """
    bounds = limits or Limits()
    directory = tree.resolve(normalized(directory))
    path = find_kustomization(tree, directory)
    if path is None:
        kustomization: Mapping[str, Any] = generate_kustomization(tree, directory, bounds)
        path = f"{directory.rstrip('/')}/{FILE_NAMES[0]}"
    else:
        kustomization = _read(tree, path, bounds)
    changed = mutate(kustomization, mutation, tree, directory)
    return OverlaidTree(tree, {path: write(changed)})


def _read(tree: Tree, path: str, limits: Limits) -> Mapping[str, Any]:
    content = tree.read(tree.resolve(path), limits.file_bytes)
    try:
        value = read_document(content, limits=limits.yaml)
    except YamlError as error:
        raise KustomizationInvalid(f"{shown(path)}:{error.line}: {error.message}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise KustomizationInvalid(f"{shown(path)}: expected a mapping")
    return value
