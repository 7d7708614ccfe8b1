"""What this process remembers of a Kustomization between two attempts. Losing it costs work, not truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controllers.kustomize.decide import Inputs, Step
from controllers.kustomize.footprint import Footprint
from controllers.kustomize.kept import KeptManifests
from shared.kube.health import HealthCheck, StatusReader
from shared.kube.memory import Memory
from shared.model.artifact import Artifact
from shared.model.meta import ObjectKey, ObjectRef


@dataclass(slots=True)
class Rollout:
    """One artifact on its way into the cluster; `began` is UTC.

    `visible`: it is news, so it shows in status and events. `requested`: somebody asks for it, so
    nothing is spared. `wrote`: it changed something in the cluster. `digest` is that of the built
    manifests, `reader` judges the health of the kinds that have expressions of their own.
    """

    inputs: Inputs
    artifact: Artifact
    began: datetime
    step: Step
    visible: bool
    requested: bool
    digest: str = ""
    wrote: bool = False
    reader: StatusReader | None = None
    health: HealthCheck | None = None


@dataclass(frozen=True, slots=True)
class LastBuild:
    """What was built from these inputs, and what the build looked at.

    `lasting`: the same inputs give the same build, since nothing came from the network.
    """

    inputs: Inputs
    digest: str
    footprint: Footprint
    kept: KeptManifests | None
    lasting: bool = True


@dataclass(slots=True)
class Remembered:
    """`applied`: how the objects were left. `last`: what they were made from, once all had gone well.

    `waiting`: the rollout whose health is awaited. `health`: the check that last passed. `build`: the
    last build, by which the next one may be spared.
    """

    applied: Memory
    last: Inputs | None = None
    checked: datetime | None = None
    waiting: Rollout | None = None
    health: HealthCheck | None = None
    build: LastBuild | None = None
    drifted: set[ObjectRef] = field(default_factory=set)
    fetch_failures: int = 0
    terminating_since: datetime | None = None


class Memories:
    """By Kustomization; `forgotten` is told whose memory went."""

    def __init__(self, *, full_check: timedelta, forgotten: Callable[[ObjectKey], None]) -> None:
        self._full_check = full_check
        self._forgotten = forgotten
        self._by_key: dict[ObjectKey, Remembered] = {}

    def of(self, key: ObjectKey) -> Remembered:
        found = self._by_key.get(key)
        if found is None:
            found = self._by_key[key] = Remembered(Memory(key, self._full_check))
        return found

    def find(self, key: ObjectKey) -> Remembered | None:
        return self._by_key.get(key)

    def forget(self, key: ObjectKey) -> None:
        if self._by_key.pop(key, None) is not None:
            self._forgotten(key)
