"""Whose health a Kustomization waits for, and how that is judged (specs/kustomize.md 11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controllers.kustomize.failures import InvalidExpression
from shared.logic.changes import Action, ChangeSet
from shared.logic.health_exprs import HealthExpressions, InvalidHealthExpression
from shared.model.kinds import KUSTOMIZATION
from shared.model.kustomize import Kustomization
from shared.model.meta import Object, ObjectRef


def reader_of(ks: Kustomization) -> HealthExpressions | None:
    """spec.healthCheckExprs, compiled. Raises InvalidExpression."""
    if not ks.health_exprs:
        return None
    try:
        return HealthExpressions.parse(ks.health_exprs)
    except InvalidHealthExpression as error:
        raise InvalidExpression(error) from error


def awaited(ks: Kustomization, changes: ChangeSet) -> list[ObjectRef]:
    """All that was applied with `wait`, else spec.healthChecks; never the Kustomization itself."""
    refs: Iterable[ObjectRef] = ks.health_checks
    if ks.wait:
        refs = (entry.ref for entry in changes if entry.action is not Action.SKIPPED)
    return [ref for ref in refs if not _is_itself(ref, ks)]


def expiring_jobs(objects: Sequence[Object]) -> frozenset[ObjectRef]:
    """Jobs that remove themselves: they count as healthy once they are gone."""
    return frozenset(
        ObjectRef.of(obj)
        for obj in objects
        if obj["kind"] == "Job" and (obj.get("spec") or {}).get("ttlSecondsAfterFinished") is not None
    )


def _is_itself(ref: ObjectRef, ks: Kustomization) -> bool:
    return (ref.kind, ref.namespace, ref.name) == (KUSTOMIZATION.kind, ks.namespace, ks.name)
