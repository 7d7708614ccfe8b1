"""Which files of a build are decrypted before it: inputs of secretGenerator, and patches.

From the build's directory through `resources` and `components` that are local directories
(specs/kustomize.md 6.2). What cannot be read or understood is left to the build, which says why.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.formats import Format, format_of_name, is_marked
from shared.kustomize.errors import BuildError, LimitExceeded
from shared.kustomize.filesystem import Tree, shown
from shared.logic.go_yaml import YamlError, read_document

MAX_FILE_BYTES = 5 * 1024 * 1024
_MAX_TOTAL_BYTES = 64 * 1024 * 1024
_MAX_DIRECTORIES = 2_000
_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """`path` is absolute in the tree and free of links."""

    path: str
    content: bytes
    format: Format


def encrypted_files(tree: Tree, directory: str, components: Sequence[str] = ()) -> list[EncryptedFile]:
    """Reads the tree, so it belongs in a thread. `components` are taken as if the directory listed them.

    Raises DocumentInvalid for what is beyond the limits.
    """
    found: dict[str, EncryptedFile] = {}
    total = 0
    for base, kustomization in _kustomizations(tree, directory, components):
        for path, form in _inputs(kustomization):
            resolved = _resolved(tree, posixpath.join(base, path))
            if resolved is None or resolved in found or tree.is_directory(resolved):
                continue
            content = _read(tree, resolved)
            if content is None or not is_marked(content, form):
                continue
            total += len(content)
            if total > _MAX_TOTAL_BYTES:
                raise DocumentInvalid(f"the encrypted files are larger than {_MAX_TOTAL_BYTES} bytes in all")
            found[resolved] = EncryptedFile(resolved, content, form)
    return list(found.values())


def _kustomizations(
    tree: Tree, directory: str, components: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    start = _resolved(tree, directory)
    waiting = [start, *_directories(tree, start, components)] if start is not None else []
    seen: set[str] = set()
    while waiting:
        base = waiting.pop()
        if base in seen:
            continue
        if len(seen) >= _MAX_DIRECTORIES:
            raise DocumentInvalid(f"the build has more than {_MAX_DIRECTORIES} directories")
        seen.add(base)
        kustomization = _kustomization(tree, base)
        yield base, kustomization
        entries = (*_texts(kustomization.get("resources")), *_texts(kustomization.get("components")))
        waiting += _directories(tree, base, entries)


def _directories(tree: Tree, base: str, entries: Iterable[str]) -> Iterator[str]:
    """Those that are local directories; what is remote has a colon."""
    for entry in entries:
        path = None if ":" in entry else _resolved(tree, posixpath.join(base, entry))
        if path is not None and tree.is_directory(path):
            yield path


def _kustomization(tree: Tree, directory: str) -> Mapping[str, Any]:
    for name in _NAMES:
        path = _resolved(tree, posixpath.join(directory, name))
        content = _read(tree, path) if path is not None and not tree.is_directory(path) else None
        if content is None:
            continue
        try:
            value = read_document(content)
        except YamlError:
            return {}
        return value if isinstance(value, dict) else {}
    return {}


def _inputs(kustomization: Mapping[str, Any]) -> Iterator[tuple[str, Format]]:
    for generator in _mappings(kustomization.get("secretGenerator")):
        for item in _texts(generator.get("files")):
            key, equals, path = item.partition("=")
            path = path if equals else item
            yield path, format_of_name(key if equals else posixpath.basename(item))
        for path in _texts(generator.get("envs")):
            yield path, format_of_name(path, Format.DOTENV)
    for patch in _mappings(kustomization.get("patches")):
        if isinstance(named := patch.get("path"), str) and named:
            yield named, format_of_name(named)


def _resolved(tree: Tree, path: str) -> str | None:
    try:
        return tree.resolve(path)
    except BuildError:
        return None


def _read(tree: Tree, path: str) -> bytes | None:
    try:
        return tree.read(path, MAX_FILE_BYTES)
    except LimitExceeded as error:
        raise DocumentInvalid(
            f"{shown(path)}: larger than {MAX_FILE_BYTES} bytes, which is the most that is decrypted"
        ) from error
    except BuildError:
        return None


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
