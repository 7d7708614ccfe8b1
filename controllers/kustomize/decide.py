"""What a reconcile has to do, from what is known: pure, and the reason why a no-op costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

from shared.model.artifact import Artifact
from shared.model.kustomize import Kustomization


class Step(Enum):
    """`NOTHING`: all is as it was. `WAIT`: go on waiting for health. `APPLY`: the whole way.

    `LOOK`: only the artifact is another one; what this Kustomization builds may still be the same.
    """

    NOTHING = auto()
    WAIT = auto()
    LOOK = auto()
    APPLY = auto()


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a build and an apply depend on; `variables` is a digest of what is substituted."""

    generation: int
    revision: str
    digest: str
    variables: str

    @classmethod
    def of(cls, ks: Kustomization, artifact: Artifact, variables: str) -> Self:
        return cls(ks.generation, artifact.revision, artifact.digest, variables)

    def same_artifact(self, other: Inputs) -> bool:
        return (self.revision, self.digest) == (other.revision, other.digest)

    def differs_by_artifact_alone(self, other: Inputs) -> bool:
        return (self.generation, self.variables) == (other.generation, other.variables)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before a step is chosen.

    `last`: the inputs of the last complete apply by this process, None after a restart.
    `waiting_for`: the inputs whose health is being awaited. `healthy`: what is to be healthy still is.
    `lasting`: the same inputs still build the same.
    """

    now: Inputs
    last: Inputs | None
    waiting_for: Inputs | None
    ready: bool
    requested: bool
    drifted: bool
    full_check_due: bool
    healthy: bool
    lasting: bool = True


def decide(situation: Situation) -> Step:
    """A new revision, a new spec, a request or drift always beats waiting."""
    if situation.requested or situation.drifted:
        return Step.APPLY
    if situation.waiting_for is not None:
        return Step.WAIT if situation.waiting_for == situation.now else Step.APPLY
    last = situation.last
    if last is None or not situation.ready or not situation.healthy or situation.full_check_due:
        return Step.APPLY
    if last == situation.now:
        return Step.NOTHING if situation.lasting else Step.APPLY
    return Step.LOOK if last.differs_by_artifact_alone(situation.now) else Step.APPLY
