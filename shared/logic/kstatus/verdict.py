"""How unhealthy objects are told (specs/kustomize.md 11.2, specs/runtime.md 9.4)."""

from __future__ import annotations

from collections.abc import Iterable

from shared.logic.kstatus.health import Assessment
from shared.model.meta import ObjectRef

State = tuple[ObjectRef, Assessment | None]
"""An object and its health; None when it was never seen."""


def timed_out(states: Iterable[State]) -> str:
    return f"timeout waiting for: [{_listed(states)}]"


def failed_early(states: Iterable[State]) -> str:
    return f"failed early due to stalled resources: [{_listed(states)}]"


def _listed(states: Iterable[State]) -> str:
    return ", ".join(_item(*state) for state in states if state[1] is None or not state[1].is_current)


def _item(ref: ObjectRef, found: Assessment | None) -> str:
    if found is None:
        return f"can't determine status for {ref}"
    text = f"{ref} status: '{found.health}'"
    cause = found.error or (found.message if found.is_failed else "")
    return f"{text}: {cause}" if cause else text
