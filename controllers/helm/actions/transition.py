"""From the objects of one revision to those of another: what upgrade and rollback have in common.

Create and change first, then delete what is no longer wanted, then wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.helm.actions.adoption import ownership_problems
from controllers.helm.actions.apply import Applier, delete, missing_from
from controllers.helm.actions.apply_one import WriteOptions
from controllers.helm.actions.errors import ObjectsFailed, WaitFailed
from controllers.helm.actions.objects import ManifestUnusable, Placed, objects_of, place_recorded
from controllers.helm.actions.requests import ServerSide, Wait
from controllers.helm.actions.toolbox import Tools
from controllers.helm.actions.wait import until_ready
from controllers.helm.release.errors import CorruptRelease
from controllers.helm.release.record import ApplyMethod, Release, Status
from shared.kube.errors import KubeError
from shared.model.meta import Object


@dataclass(frozen=True, slots=True)
class Transition:
    """`before` are the objects of the revision that is left, `after` those of the new one.

    `leftovers` are the objects of a revision that failed on the way: they go too, if they are the
    release's own.
    """

    tools: Tools
    namespace: str
    before: Sequence[Placed]
    after: Sequence[Placed]
    options: WriteOptions
    cleanup_on_fail: bool
    leftovers: Sequence[Placed] = ()

    async def run(self, wait: Wait) -> None:
        """Raises ObjectsFailed, WaitFailed; what it created is deleted again where that is asked for."""
        tools = self.tools
        applier = Applier(tools, self.options)
        tools.on_stage(f"applying {len(self.after)} resource(s)")
        try:
            await applier.apply(self.after, {item.identity: item.desired for item in self.before})
            await delete(tools, missing_from(self.before, self.after))
            await self._sweep()
            await until_ready(tools, self.after, wait)
        except (ObjectsFailed, WaitFailed, KubeError) as error:
            await self._clean_up(applier.created, error)
            raise

    async def _sweep(self) -> None:
        stale = missing_from(self.leftovers, [*self.before, *self.after])

        def is_ours(live: Object) -> bool:
            return not ownership_problems(live, self.tools.storage.name, self.namespace)

        await delete(self.tools, stale, may_go=is_ours)

    async def _clean_up(self, created: Sequence[Placed], error: Exception) -> None:
        if not self.cleanup_on_fail or not created:
            return
        self.tools.on_stage(f"deleting {len(created)} resource(s) that were created")
        try:
            await delete(self.tools, created)
        except (ObjectsFailed, KubeError) as problem:
            raise ObjectsFailed(
                f"an error occurred while cleaning up resources. original error: {error}: {problem}"
            ) from error


async def recorded_objects(tools: Tools, release: Release) -> list[Placed]:
    """The objects that a revision says are in the cluster. Raises ObjectsFailed, KubeError."""
    try:
        objects = await objects_of(release.manifest)
    except ManifestUnusable as error:
        raise ObjectsFailed(
            f"unable to build kubernetes objects from current release manifest of {release}: {error}"
        ) from error
    return await place_recorded(tools, objects, release.namespace)


def is_server_side(wanted: ServerSide, before: Release) -> bool:
    """`auto` follows the revision before; what Helm 3 left is client-side."""
    return before.is_server_side if wanted is ServerSide.AUTO else wanted is ServerSide.ENABLED


def apply_method(*, server_side: bool) -> ApplyMethod:
    return ApplyMethod.SERVER_SIDE if server_side else ApplyMethod.CLIENT_SIDE


async def supersede_deployed(tools: Tools, version: int) -> None:
    """Every other revision that is recorded as deployed is so no longer: more than one after a crash.

    A corrupt record among them is no reason to fail what went well. Raises KubeError.
    """
    for head in await tools.storage.history():
        if head.status is not Status.DEPLOYED or head.version == version:
            continue
        try:
            release = await tools.storage.get(head.version)
        except CorruptRelease as error:
            tools.on_stage(str(error))
            continue
        if release is not None:
            await tools.storage.update(release.as_status(Status.SUPERSEDED))
