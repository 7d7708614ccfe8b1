"""Every Kustomization from the entry point down, in an order that dependsOn allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from cli.local_build import parsed
from cli.masking import masked
from cli.offline.cluster import Applied, BuiltCluster
from cli.offline.key_files import KeyFiles
from cli.offline.places import Places
from cli.problems import CliError
from controllers.kustomize.build import Builder
from controllers.kustomize.failures import BuildFailed
from controllers.kustomize.sops.keys import Decryption
from controllers.kustomize.variables import gather
from shared.kustomize.errors import BuildError
from shared.kustomize.filesystem import DirectoryTree
from shared.logic.manifest import UnusableManifest, prepare
from shared.logic.owner import Owner
from shared.model.kinds import KUSTOMIZATION
from shared.model.kustomize import Kustomization
from shared.model.meta import Object, ObjectKey

_ENTRY = ObjectKey("flux-system", "flux-system")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the object of an owner (`Kind/namespace/name`), in the controller's words."""

    owner: str
    message: str


class NotBuilt(Exception):
    """A Kustomization that cannot be built, or not yet."""


class Walk:
    """Builds into `cluster`. Without `keys` the values that are encrypted are masked."""

    def __init__(self, cluster: BuiltCluster, places: Places, *, strict: bool, keys: KeyFiles | None) -> None:
        self._cluster, self.places, self._decrypt = cluster, places, keys is not None
        self._keys = Decryption(keys or cluster)
        self._builder = Builder(lambda: self._keys, strict=strict)
        self._built: set[ObjectKey] = set()
        self._pending: dict[ObjectKey, Object] = {}
        self.problems: list[Problem] = []

    async def run(self, folder: Path) -> None:
        """Raises CliError where not even the entry point can be built."""
        raw = _entry(folder, self.places)
        try:
            objects = await self._objects(parsed(raw))
        except NotBuilt as error:
            raise CliError(f"{folder}: {error}") from error
        syncs = [obj for obj in objects if _is_kustomization(obj) and _leads_to(obj, raw)]
        if syncs:
            self._pending = {ObjectKey.of(obj): obj for obj in syncs}
            self.places = replace(self.places, own=parsed(syncs[0]).source.key)
        else:
            self._accept(_ENTRY, objects)
        try:
            await self._all()
        finally:
            await self._keys.close()

    async def _all(self) -> None:
        """Until nothing more can be built: what fails now may only want what is built later."""
        progress = True
        failed: list[Problem] = []
        while self._pending and progress:
            progress, failed = False, []
            for key, raw in list(self._pending.items()):
                try:
                    objects = await self._objects(parsed(raw))
                except (NotBuilt, CliError) as error:
                    failed.append(Problem(f"Kustomization/{key}", str(error)))
                    continue
                progress = True
                del self._pending[key]
                self._accept(key, objects)
        self.problems += failed

    def _accept(self, key: ObjectKey, objects: list[Object]) -> None:
        self._built.add(key)
        owner = f"Kustomization/{key}"
        for first, second in self._cluster.add(Applied(obj, owner) for obj in objects):
            self.problems.append(Problem(owner, f"{second.ref} is applied by {first.owner}, too"))
        for obj in filter(_is_kustomization, objects):
            found = ObjectKey.of(obj)
            if found not in self._built and len(self._built) + len(self._pending) < _MOST:
                self._pending.setdefault(found, obj)

    async def _objects(self, ks: Kustomization) -> list[Object]:
        for dependency in ks.depends_on:
            if ObjectKey(dependency.namespace, dependency.name) not in self._built:
                raise NotBuilt(f"dependency '{dependency}' not found, not built, or part of a cycle")
        root = self.places.folder(ks.source.key)
        if root is None:
            raise NotBuilt(f"source '{ks.source}' is not in the checkout: name its folder by --source")
        try:
            return await self._build(ks, DirectoryTree(str(root)))
        except BuildError as error:
            raise NotBuilt(f"kustomization path not found: {error}") from error
        except BuildFailed as error:
            raise NotBuilt(error.message) from error
        except UnusableManifest as error:
            raise NotBuilt(str(error)) from error

    async def _build(self, ks: Kustomization, tree: DirectoryTree) -> list[Object]:
        path = tree.resolve("/" + ks.path)
        if not tree.is_directory(path):
            raise NotBuilt(f"kustomization path not found: {ks.path} is not a directory")
        variables = await gather(ks, self._cluster)
        wanted = ks if self._decrypt else replace(ks, decryption=None)
        manifests = await self._builder.build(wanted, tree, path, variables)
        objects = manifests.objects if self._decrypt else [masked(obj) for obj in manifests.objects]
        common = ks.common_metadata
        owner = Owner(ks.namespace, ks.name)
        return prepare(objects, owner, labels=common.labels, annotations=common.annotations)


def _entry(folder: Path, places: Places) -> Object:
    path = "./" + folder.relative_to(places.root).as_posix()
    source = {"kind": "GitRepository", "name": places.own.name, "namespace": places.own.namespace}
    return {
        "metadata": {"namespace": _ENTRY.namespace, "name": _ENTRY.name},
        "spec": {"interval": "1h", "path": path, "prune": True, "sourceRef": source},
    }


def _is_kustomization(obj: Object) -> bool:
    return obj["kind"] == KUSTOMIZATION.kind and str(obj["apiVersion"]).startswith(f"{KUSTOMIZATION.group}/")


def _leads_to(obj: Object, entry: Object) -> bool:
    """Is it the Kustomization that applies the entry point, itself included?"""
    spec = obj.get("spec") or {}
    return PurePosixPath("/", spec.get("path") or "") == PurePosixPath("/", entry["spec"]["path"])
