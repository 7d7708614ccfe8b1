"""A Kustomization built from a local folder, by the very code of the controller (specs/cli.md 8.2)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from cli.masking import masked
from cli.problems import CliError
from controllers.kustomize.build import Builder
from controllers.kustomize.failures import BuildFailed
from controllers.kustomize.variables import Variables, gather
from shared.kustomize.filesystem import DirectoryTree
from shared.logic.go_yaml import YamlError, read_documents
from shared.logic.manifest import UnusableManifest, prepare
from shared.logic.owner import Owner
from shared.model.kinds import KUSTOMIZATION
from shared.model.kustomize import Kustomization
from shared.model.meta import Object, ObjectKey

if TYPE_CHECKING:
    from shared.kube.client import KubeClient

_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sources:
    """What to build: `folder` is what `spec.path` means here; `file` may hold the Kustomization itself."""

    key: ObjectKey
    folder: Path
    file: Path | None
    strict: bool


def folder_of(path: str) -> Path:
    """Raises CliError unless it is a directory."""
    folder = Path(path)
    if not path or not folder.is_dir():
        raise CliError(f'invalid resource path "{path}": --path must be a directory')
    return folder.resolve()


async def build(raw: Mapping[str, Any], sources: Sources, client: KubeClient | None) -> list[Object]:
    """What the controller would apply, in the order of the build. Raises CliError.

    Without a client nothing is read for `substituteFrom`. Nothing is decrypted: see masking.py.
    """
    ks = parsed(raw)
    root, path = _root(sources.folder, ks.path)
    builder = Builder(_no_keys, strict=sources.strict)
    try:
        variables = await _variables(ks, client)
        manifests = await builder.build(
            replace(ks, decryption=None), DirectoryTree(str(root)), path, variables
        )
        common = ks.common_metadata
        return prepare(
            [masked(obj) for obj in manifests.objects],
            Owner(ks.namespace, ks.name),
            labels=common.labels,
            annotations=common.annotations,
        )
    except BuildFailed as error:
        raise CliError(error.message) from error
    except UnusableManifest as error:
        raise CliError(str(error)) from error


def parsed(raw: Mapping[str, Any]) -> Kustomization:
    """Raises CliError for a spec that is none."""
    try:
        return Kustomization.parse(raw)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        name = (raw.get("metadata") or {}).get("name")
        problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise CliError(f"Kustomization/{name} has an invalid spec: {problem}") from error


async def _variables(ks: Kustomization, client: KubeClient | None) -> Variables:
    if client is not None:
        return await gather(ks, client)
    if ks.post_build is None:
        return Variables({}, always=False)
    plain = {name: value.replace("\n", "") for name, value in ks.post_build.substitute.items()}
    return Variables(plain, ks.post_build.always)


def _no_keys() -> NoReturn:
    raise AssertionError("nothing is decrypted")


def _root(folder: Path, spec_path: str) -> tuple[Path, str]:
    """What stands for the artifact, and the path in it; nothing outside of it is read, as in the cluster.

    That is the git checkout; without one, the folder without `spec.path`; else the folder alone.
    """
    checkout = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
    root = checkout or _without(folder, spec_path) or folder
    return root, "/" + folder.relative_to(root).as_posix()


def _without(folder: Path, spec_path: str) -> Path | None:
    wanted = PurePosixPath(os.path.normpath("/" + spec_path)).parts[1:]
    if not wanted or folder.parts[-len(wanted) :] != wanted:
        return None
    return Path(*folder.parts[: -len(wanted)])


def from_file(path: Path, key: ObjectKey) -> Object:
    """The Kustomization of that name in a file of manifests; one without a namespace may be meant.

    Raises CliError.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CliError(f'invalid kustomization file "{path}": it is larger than 4 MiB')
        documents = read_documents(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f'invalid kustomization file "{path}": {error}') from error
    except YamlError as error:
        raise CliError(f'invalid kustomization file "{path}": line {error.line}: {error.message}') from error
    for document in (found.value for found in documents):
        if _is_it(document, key):
            metadata = {**document["metadata"], "namespace": key.namespace}
            return {**document, "metadata": metadata}
    raise CliError(
        f"failed find kustomization with name '{key.name}' and namespace '{key.namespace}' in file '{path}'"
    )


def _is_it(document: Any, key: ObjectKey) -> bool:
    if not isinstance(document, dict) or document.get("kind") != KUSTOMIZATION.kind:
        return False
    metadata = document.get("metadata")
    return (
        str(document.get("apiVersion", "")).startswith(f"{KUSTOMIZATION.group}/")
        and isinstance(metadata, dict)
        and metadata.get("name") == key.name
        and metadata.get("namespace") in (None, "", key.namespace)
        and isinstance(document.get("spec"), dict)
    )
