"""What makes one kind of object different from all others: a value of this type."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from shared.logic.conditions import Summary
from shared.model.kinds import Resource
from shared.model.meta import FINALIZER, READY, RECONCILING, STALLED
from shared.runtime.outcome import Outcome
from shared.runtime.report import Report

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Reconcile(Protocol[T_contra]):
    """Bring the world to what the object says. Raises Failure, Waiting or Stalled."""

    def __call__(self, value: T_contra, report: Report, /) -> Awaitable[Outcome]: ...


class Finalize(Protocol[T_contra]):
    """Undo what the object caused, before it goes. Raises Failure to be called again later."""

    def __call__(self, value: T_contra, report: Report, /) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`parse` raises InvalidSpec or ValueError; `summary` None means that reconcile sets Ready itself.

    Objects that are `is_static` need no controller: what was once done for them is undone, and they are
    left alone (specs/source.md 10.3). `owned` are the condition types that we write whatever others do.
    Of a kind whose status has no `observedGeneration`, Ready's says which generation was seen.
    """

    resource: Resource
    parse: Callable[[Mapping[str, Any]], T]
    reconcile: Reconcile[T]
    finalize: Finalize[T]
    field_manager: str
    summary: Summary | None = None
    owned: frozenset[str] = frozenset({READY, RECONCILING, STALLED})
    finalizer: str = FINALIZER
    generation_in_status: bool = True
    acknowledges_while_suspended: bool = True
    is_static: Callable[[Mapping[str, Any]], bool] = field(default=lambda _obj: False)
    suspended_message: str = field(default="reconciliation is suspended for this object")
