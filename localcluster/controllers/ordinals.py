"""Which pods of a StatefulSet to make and which to delete next. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Replica:
    """One pod of a set; `revision` is the hash of the template that it was made of."""

    ordinal: int
    revision: str
    healthy: bool
    terminating: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class SetSpec:
    """What a StatefulSet asks for. `partition` is None where pods are replaced only when deleted by hand."""

    start: int
    replicas: int
    ordered: bool
    partition: int | None
    current: str
    update: str

    @property
    def wanted(self) -> range:
        return range(self.start, self.start + self.replicas)

    def revision_for(self, ordinal: int) -> str:
        """Of a pod that is missing."""
        if self.partition is None:
            return self.update
        return self.current if ordinal - self.start < self.partition else self.update


@dataclass(slots=True)
class Plan:
    """Ordinals to make, with their revision, and ordinals to delete."""

    make: dict[int, str] = field(default_factory=dict)
    delete: list[int] = field(default_factory=list)


def plan(spec: SetSpec, present: Mapping[int, Replica]) -> Plan:
    """The next step. In order: each pod only when its predecessors are ready, the last one goes first."""
    found = Plan()
    for ordinal in spec.wanted:
        replica = present.get(ordinal)
        if replica is None:
            found.make[ordinal] = spec.revision_for(ordinal)
        elif replica.ended and not replica.terminating:
            found.delete.append(ordinal)
        if spec.ordered and (replica is None or not replica.healthy):
            return found
    surplus = sorted((ordinal for ordinal in present if ordinal not in spec.wanted), reverse=True)
    for ordinal in surplus:
        if not present[ordinal].terminating:
            found.delete.append(ordinal)
        if spec.ordered:
            return found
    if not found.make and not found.delete:
        _replace_outdated(spec, present, found)
    return found


def _replace_outdated(spec: SetSpec, present: Mapping[int, Replica], found: Plan) -> None:
    """Of a rolling update: the highest outdated pod, if all above it are ready."""
    if spec.partition is None:
        return
    for ordinal in reversed(spec.wanted[spec.partition :]):
        replica = present[ordinal]
        if replica.revision != spec.update and not replica.terminating:
            found.delete.append(ordinal)
            return
        if not replica.healthy:
            return
