"""Delete what is no longer wanted, but only what is still ours (specs/kustomize.md 10, 12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import Conflict, KubeError, NotFound
from shared.kube.parallel import each
from shared.kube.tracker import Tracker
from shared.logic.changes import Action, ChangeSet
from shared.logic.ordering import in_deletion_order
from shared.logic.owner import Owner, excluded_from_prune
from shared.model.kinds import Resource
from shared.model.meta import Object, ObjectKey, ObjectRef

_ATTEMPTS = 3


@dataclass(slots=True)
class PruneResult:
    """`changes` are deleted and skipped objects; `survivors` must stay in the inventory."""

    changes: ChangeSet = field(default_factory=ChangeSet)
    survivors: list[ObjectRef] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def failure(self) -> str:
        """The text of the PruneFailed condition; empty when nothing went wrong."""
        return f"delete failed, errors: {''.join(f'{text};' for text in self.errors)}" if self.errors else ""


class Pruner:
    """Deletes in one cluster as one identity; `concurrency` requests are in flight at once."""

    def __init__(
        self, client: KubeClient, discovery: Discovery, tracker: Tracker, *, concurrency: int = 4
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._tracker = tracker
        self._concurrency = concurrency

    async def prune(self, stale: Iterable[ObjectRef], owner: Owner) -> PruneResult:
        """Ask for the deletion of all that is still labelled as the owner's; never raises a KubeError.

        Kinds go in the reverse of the apply order. Termination is not waited for: see `find_left`.
        """
        result = PruneResult()

        async def prune(ref: ObjectRef) -> Action | str:
            try:
                return await self._prune_one(ref, owner)
            except KubeError as error:
                return f"{ref} {error}"

        ordered = in_deletion_order(stale)
        for _, same_kind in groupby(ordered, key=lambda ref: ref.group_kind):
            refs = list(same_kind)
            for ref, outcome in zip(refs, await each(refs, prune, at_once=self._concurrency), strict=True):
                if isinstance(outcome, Action):
                    result.changes.add(ref, outcome)
                else:
                    result.survivors.append(ref)
                    result.errors.append(outcome)
        return result

    async def find_left(self, refs: Iterable[ObjectRef]) -> list[ObjectRef]:
        """Which of them still exist; for waiting without holding a worker. Raises KubeError."""

        async def look(ref: ObjectRef) -> ObjectRef | None:
            return ref if await self._find(ref) is not None else None

        found = await each(refs, look, at_once=self._concurrency)
        return [ref for ref in found if ref is not None]

    async def _prune_one(self, ref: ObjectRef, owner: Owner) -> Action:
        for _ in range(_ATTEMPTS):
            found = await self._find(ref)
            if found is None:
                return Action.DELETED
            resource, key, live = found
            if not owner.owns(live) or excluded_from_prune(live):
                return Action.SKIPPED
            if live["metadata"].get("deletionTimestamp"):
                return Action.DELETED
            uid = live["metadata"]["uid"]
            try:
                with self._tracker.deleting(resource, key):
                    await self._client.delete(resource, key.namespace, key.name, uid=uid)
            except NotFound:
                return Action.DELETED
            except Conflict:
                continue  # another object has that name by now: look whose it is
            return Action.DELETED
        raise KubeError("is made anew again and again")

    async def _find(self, ref: ObjectRef) -> tuple[Resource, ObjectKey, Object] | None:
        resource = await self._discovery.find_resource(ref)
        if resource is None:
            return None
        key = ref.key if resource.namespaced else ObjectKey("", ref.name)
        live = await self._client.find(resource, key.namespace, key.name)
        return (resource, key, live) if live is not None else None
