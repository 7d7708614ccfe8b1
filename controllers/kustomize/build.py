"""Files -> manifests: kustomize build, then substitution, object by object (specs/kustomize.md 5-7).

Runs in a thread, bounded in time; the engine reads nothing outside of the artifact.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import orjson

from controllers.kustomize.failures import ArtifactFailed, BuildFailed
from controllers.kustomize.stages import revision_metadata
from controllers.kustomize.variables import Variables
from shared.kustomize.build import Build, Built, build
from shared.kustomize.errors import BuildError, LimitExceeded
from shared.kustomize.filesystem import DirectoryTree, OverlaidTree, Tree
from shared.kustomize.options import LoadRestrictions, Options
from shared.logic.expansion import BadSubstitution
from shared.logic.go_yaml import YamlError, read_document
from shared.logic.go_yaml_write import write
from shared.logic.owner import substitution_disabled
from shared.logic.substitution import InvalidVariableName, require_names, substitute
from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization
from shared.model.meta import Object

_BUILD_SECONDS = 120.0
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Manifests:
    """What a build printed; `digest` is that of its YAML."""

    objects: list[Object]
    digest: str


class Builder:
    """`strict`: an undefined variable fails the build. A few builds run at a time."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def locate(self, ks: Kustomization, files: Path, artifact: Artifact) -> str:
        """The directory to build, as a path of the tree. Raises ArtifactFailed."""
        tree = DirectoryTree(str(files))
        try:
            path = tree.resolve("/" + ks.path)
        except BuildError as error:
            _path_missing(ks, artifact, error)
        if not tree.is_directory(path):
            _path_missing(ks, artifact, f"{ks.path} is not a directory")
        return path

    async def build(self, ks: Kustomization, tree: Tree, path: str, variables: Variables) -> Manifests:
        """Raises BuildFailed without a revision; the caller knows it."""
        async with self._turns:
            return await asyncio.to_thread(self._build, ks, tree, path, variables)

    def _build(self, ks: Kustomization, tree: Tree, path: str, variables: Variables) -> Manifests:
        options = Options(load_restrictions=LoadRestrictions.NONE, deadline=_deadline(_BUILD_SECONDS))
        try:
            require_names(variables.values)
            built = build(_with_spec(tree, path, ks), path, options)
        except (BuildError, InvalidVariableName) as error:
            raise BuildFailed(f"kustomize build failed: {error}") from error
        return _finished(built, variables, strict=self._strict)


def _finished(built: Build, variables: Variables, *, strict: bool) -> Manifests:
    digest = hashlib.sha256()
    objects: list[Object] = []
    for item in built.objects:
        obj = item.object
        if variables.used and not substitution_disabled(obj):
            obj = _substituted(item, variables, strict=strict)
        digest.update(orjson.dumps(obj, option=orjson.OPT_SORT_KEYS))
        objects += _listed(obj)
    return Manifests(objects, f"sha256:{digest.hexdigest()}")


def _substituted(item: Built, variables: Variables, *, strict: bool) -> Object:
    """Through text, as Flux does it: types are inferred again from what the text says."""
    if b"$" not in orjson.dumps(item.object):
        return item.object
    try:
        text = substitute(write(item.object), variables.values, strict=strict)
        value = read_document(text)
    except (BadSubstitution, YamlError) as error:
        raise BuildFailed(
            f"post build failed for '{item.shown()}': envsubst error: variable substitution failed: {error}"
        ) from error
    if not isinstance(value, dict) or "metadata" not in value:
        raise BuildFailed(f"post build failed for '{item.shown()}': the result is not an object")
    return value


def _listed(obj: Object) -> list[Object]:
    """The items of a List; nothing of a kustomization file; else the object itself."""
    if obj["kind"].endswith("List") and isinstance(obj.get("items"), list):
        return [item for item in obj["items"] if isinstance(item, dict)]
    if obj["kind"] == "Kustomization" and obj["apiVersion"].startswith("kustomize.config.k8s.io/"):
        return []
    return [obj]


def _deadline(seconds: float) -> Callable[[], None]:
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > end:
            raise LimitExceeded(f"the build takes longer than {seconds:.0f} seconds")

    return check


def _path_missing(ks: Kustomization, artifact: Artifact, problem: object) -> NoReturn:
    raise ArtifactFailed(
        f"kustomization path not found: {problem}",
        retry_in=ks.retry_interval,
        metadata=revision_metadata(artifact),
    )


def _with_spec(tree: Tree, path: str, ks: Kustomization) -> Tree:
    """The tree with a kustomization file that says what the spec adds."""
    file = posixpath.join(path, "kustomization.yaml")
    spec: Object = {"namespace": ks.build.target_namespace, "nameSuffix": ks.build.name_suffix}
    spec = {key: value for key, value in spec.items() if value}
    if "kustomization.yaml" in tree.names(path):
        kustomization = read_document(tree.read(file, 1 << 20)) or {}
        return OverlaidTree(tree, {file: write({**kustomization, **spec})})
    return OverlaidTree(tree, {file: write({"resources": list(_manifests(tree, path, ".")), **spec})})


def _manifests(tree: Tree, path: str, shown: str) -> Iterator[str]:
    for name in tree.names(path):
        inner = posixpath.join(path, name)
        if tree.is_directory(inner):
            yield from _manifests(tree, inner, f"{shown}/{name}")
        elif name.endswith((".yaml", ".yml")):
            yield f"{shown}/{name}"
