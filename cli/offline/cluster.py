"""The cluster that a repository would make, as far as it was built: what the controllers' code reads from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.kube.client import KubeClient
from shared.kube.errors import NotFound
from shared.model.kinds import Resource
from shared.model.meta import GroupKind, Object, ObjectKey, ObjectRef

Identity = tuple[GroupKind, ObjectKey]


@dataclass(frozen=True, slots=True)
class Applied:
    """One object, and the `Kustomization/ns/name` or `HelmRelease/ns/name` that would apply it."""

    object: Object
    owner: str

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef.of(self.object)

    @property
    def identity(self) -> Identity:
        return self.ref.group_kind, self.ref.key


class BuiltCluster(KubeClient):
    """Answers `get` and `find` from what was built; it has no connection for anything else."""

    def __init__(self) -> None:  # the connection is what it is without
        self._applied: dict[Identity, Applied] = {}

    def add(self, objects: Iterable[Applied]) -> list[tuple[Applied, Applied]]:
        """Add what an owner applies; -> each object that another owner applies, too, after that one."""
        conflicts = []
        for item in objects:
            known = self._applied.setdefault(item.identity, item)
            if known.owner != item.owner:
                conflicts.append((known, item))
        return conflicts

    def __iter__(self) -> Iterator[Applied]:
        return iter(list(self._applied.values()))

    async def get(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        metadata_only: bool = False,  # noqa: ARG002 - the client's signature
    ) -> Object:
        """Raises NotFound, in the words of an API server."""
        item = self._applied.get((resource.group_kind, ObjectKey(namespace, name)))
        if item is None:
            raise NotFound(404, "NotFound", f'{resource.plural} "{name}" not found', details={"name": name})
        return item.object
