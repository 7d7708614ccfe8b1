"""Files -> manifests: decrypt, kustomize build, decrypt, substitute (specs/kustomize.md 5-7).

What takes CPU runs in a thread, bounded in time; the engine reads nothing outside of the artifact, and
what is decrypted or generated is laid over it in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from controllers.kustomize.bases.gathering import Gathered, RemoteBases
from controllers.kustomize.failures import ArtifactFailed, BuildFailed
from controllers.kustomize.post_build import Manifests, finish
from controllers.kustomize.sops.errors import SopsError
from controllers.kustomize.stages import revision_metadata
from controllers.kustomize.variables import Variables
from shared.kustomize.build import Build, Built, build
from shared.kustomize.errors import BuildError, LimitExceeded, RemoteRefused
from shared.kustomize.filesystem import OverlaidTree, Tree
from shared.kustomize.mutate import Mutation
from shared.kustomize.options import LoadRestrictions, Options
from shared.kustomize.prepare import prepared
from shared.kustomize.remote import RemoteNeeded
from shared.logic.expansion import BadSubstitution
from shared.logic.go_yaml import YamlError
from shared.logic.substitution import InvalidVariableName, require_names
from shared.model.artifact import Artifact
from shared.model.kustomize import BuildSpec, Kustomization

if TYPE_CHECKING:
    from controllers.kustomize.sops.decrypt import Decryptor
    from controllers.kustomize.sops.keys import Decryption

_BUILD_SECONDS = 120.0
_AT_ONCE = 2


class Builder:
    """`strict`: an undefined variable fails the build. A few builds run at a time.

    `decryption` is called when the first Kustomization needs it: what it imports costs 10 MiB.
    `bases` fetches what lies on the network; None refuses it.
    """

    def __init__(
        self, decryption: Callable[[], Decryption], *, strict: bool, bases: RemoteBases | None = None
    ) -> None:
        self._decryption = decryption
        self._strict = strict
        self._bases = bases
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def locate(self, ks: Kustomization, tree: Tree, artifact: Artifact) -> str:
        """The directory to build, as a path of the tree. Raises ArtifactFailed."""
        try:
            path = tree.resolve("/" + ks.path)
        except BuildError as error:
            _path_missing(ks, artifact, error)
        if not tree.is_directory(path):
            _path_missing(ks, artifact, f"{ks.path} is not a directory")
        return path

    async def build(self, ks: Kustomization, tree: Tree, path: str, variables: Variables) -> Manifests:
        """Raises BuildFailed without a revision; the caller knows it."""
        try:
            require_names(variables.values)
            decryptor = await self._decryption().decryptor(ks) if ks.decryption else None
            if decryptor is not None:
                tree = OverlaidTree(tree, await decryptor.before_build(tree, path, ks.build.components))
            built, fetched = await self._built(tree, path, ks.build)
            items = await _decrypted(built, decryptor)
            return await self._finished(items, variables, fetched=fetched)
        except (SopsError, InvalidVariableName, BadSubstitution, YamlError) as error:
            raise BuildFailed(str(error)) from error
        except RemoteRefused as error:
            hint = (
                ""
                if self._bases
                else "; nothing is fetched here (--no-remote-bases): copy it, or make it a source"
            )
            raise BuildFailed(f"kustomize build failed: {error}{hint}") from error
        except BuildError as error:
            raise BuildFailed(f"kustomize build failed: {error}") from error

    async def _built(self, tree: Tree, path: str, spec: BuildSpec) -> tuple[Build, bool]:
        """And whether something of it was fetched. While it is fetched, others have their turn."""
        async with contextlib.AsyncExitStack() as stack:
            gathering = await stack.enter_async_context(self._bases.gathering()) if self._bases else None
            gathered = gathering.gathered if gathering else None
            while True:
                try:
                    async with self._turns:
                        built = await asyncio.to_thread(_build, tree, path, spec, gathered)
                except RemoteNeeded as needed:
                    assert gathering is not None
                    await gathering.fetch(needed)
                else:
                    return built, gathered is not None and gathered.used

    async def _finished(self, items: Sequence[Built], variables: Variables, *, fetched: bool) -> Manifests:
        async with self._turns:
            return await asyncio.to_thread(finish, items, variables, strict=self._strict, fetched=fetched)


def _build(tree: Tree, path: str, spec: BuildSpec, remotes: Gathered | None) -> Build:
    options = Options(
        load_restrictions=LoadRestrictions.NONE, remotes=remotes, deadline=_deadline(_BUILD_SECONDS)
    )
    mutation = Mutation(
        target_namespace=spec.target_namespace,
        name_prefix=spec.name_prefix,
        name_suffix=spec.name_suffix,
        patches=[dict(patch) for patch in spec.patches],
        components=spec.components,
        ignore_missing_components=spec.ignore_missing_components,
        images=[dict(image) for image in spec.images],
        build_metadata=spec.build_metadata,
    )
    return build(prepared(tree, path, mutation, options.limits), path, options)


async def _decrypted(built: Build, decryptor: Decryptor | None) -> list[Built]:
    if decryptor is None:
        return list(built.objects)
    return [
        Built(await decryptor.resource(item.object), item.source, item.line, item.overlays)
        for item in built.objects
    ]


def _deadline(seconds: float) -> Callable[[], None]:
    def check(end: float) -> None:
        if time.monotonic() > end:
            raise LimitExceeded(f"the build takes longer than {seconds:.0f} seconds")

    return partial(check, time.monotonic() + seconds)


def _path_missing(ks: Kustomization, artifact: Artifact, problem: object) -> NoReturn:
    raise ArtifactFailed(
        f"kustomization path not found: {problem}",
        retry_in=ks.retry_interval,
        metadata=revision_metadata(artifact),
    )
