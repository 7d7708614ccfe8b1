"""How a reconcile says that it succeeded, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Done:
    """The desired state is reached; come back after `again_in` (jittered), or only when woken."""

    again_in: timedelta | None


@dataclass(frozen=True, slots=True)
class Pending:
    """The attempt goes on later: a watch will wake the object, or else `again_in` will.

    It holds no worker, leaves Reconciling as it is, and counts neither as success nor as failure.
    """

    again_in: timedelta


Outcome = Done | Pending
