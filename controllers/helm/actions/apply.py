"""Write the objects of a release: create, change, delete (specs/helm.md 11.1, 20.2).

Kind after kind in Helm's order; objects of one kind side by side. Every object that failed is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from controllers.helm.actions.apply_one import Applied, ObjectWriter, WriteOptions
from controllers.helm.actions.errors import ObjectsFailed
from controllers.helm.actions.objects import Placed, is_kept
from controllers.helm.actions.requests import Propagation
from controllers.helm.actions.toolbox import Tools
from shared.charts.kind_order import uninstall_key
from shared.kube.errors import KubeError, NotFound
from shared.kube.parallel import each
from shared.model.meta import GroupKind, Object, ObjectKey

Identity = tuple[GroupKind, ObjectKey]


class Applier:
    """Writes for one action. `created` grows while it works."""

    def __init__(self, tools: Tools, options: WriteOptions) -> None:
        self._tools = tools
        self._objects = ObjectWriter(tools, options)
        self.created: list[Placed] = []

    async def apply(self, wanted: Sequence[Placed], before: Mapping[Identity, Object]) -> None:
        """Make the cluster hold `wanted`. `before` are the objects of the last manifest, by identity.

        An object that fails does not keep the others from being written. Raises ObjectsFailed.
        """
        problems: list[str] = []

        async def write(item: Placed) -> None:
            try:
                if await self._objects.write(item, before.get(item.identity)) is Applied.CREATED:
                    self.created.append(item)
            except KubeError as error:
                problems.append(str(error))

        for same_kind in _by_kind(wanted):
            await each(same_kind, write, at_once=self._tools.concurrency)
        if problems:
            raise ObjectsFailed.of(problems)


def _always(_live: Object) -> bool:
    return True


async def delete(
    tools: Tools,
    objects: Sequence[Placed],
    propagation: Propagation = Propagation.BACKGROUND,
    may_go: Callable[[Object], bool] = _always,
) -> list[Placed]:
    """Ask for the deletion of objects; returns those that were there. Raises ObjectsFailed.

    An object with `helm.sh/resource-policy: keep`, in the manifest or by now in the cluster, stays, and so
    does one for which `may_go` says no.
    """
    problems: list[str] = []
    deleted: list[Placed] = []

    async def remove(item: Placed) -> None:
        try:
            if await _delete_one(tools, item, propagation, may_go):
                deleted.append(item)
        except KubeError as error:
            problems.append(f"{item.ref}: {error}")

    wanted = [item for item in objects if not is_kept(item.desired)]
    for same_kind in _by_kind(sorted(wanted, key=lambda item: uninstall_key(item.kind))):
        await each(same_kind, remove, at_once=tools.concurrency)
    if problems:
        raise ObjectsFailed.of(problems)
    return deleted


async def _delete_one(
    tools: Tools, item: Placed, propagation: Propagation, may_go: Callable[[Object], bool]
) -> bool:
    key = item.key
    live = await tools.client.find(item.resource, key.namespace, key.name)
    if live is None or not may_go(live):
        return False
    if is_kept(live):
        tools.on_stage(f"{item.ref} is kept, as its resource policy says")
        return False
    try:
        with tools.tracker.deleting(item.resource, key):
            await tools.client.delete(
                item.resource,
                key.namespace,
                key.name,
                uid=live["metadata"].get("uid", ""),
                propagation=propagation.capitalize(),
            )
    except NotFound:
        return False
    return True


def missing_from(before: Sequence[Placed], after: Sequence[Placed]) -> list[Placed]:
    """What is in the old manifest and not in the new one."""
    kept = {item.identity for item in after}
    return [item for item in before if item.identity not in kept]


def _by_kind(items: Iterable[Placed]) -> list[list[Placed]]:
    """Neighbours of one kind together: they do not depend on each other."""
    return [list(group) for _, group in groupby(items, key=lambda item: item.kind)]
