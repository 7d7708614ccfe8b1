"""`spec.healthCheckExprs`: users say when their kinds are healthy (specs/kustomize.md 11.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from shared.logic import cel
from shared.logic.cel import EvaluationFailed, Expression, InvalidExpression
from shared.logic.kstatus.fields import field
from shared.logic.kstatus.health import Assessment, Health, current, failed, in_progress
from shared.model.meta import GroupKind, Object


class InvalidHealthExpression(InvalidExpression):
    """An entry of healthCheckExprs cannot be used."""


@dataclass(frozen=True, slots=True)
class _Entry:
    current: Expression
    in_progress: Expression | None
    failed: Expression | None

    def assess(self, obj: Mapping[str, Any]) -> Assessment:
        generation = field(obj, "metadata", "generation")
        observed = field(obj, "status", "observedGeneration")
        if _is_integer(observed) and observed != generation:
            return in_progress(f"generation is {generation}, but latest observed generation is {observed}")
        try:
            if self.in_progress is not None and self.in_progress.holds(obj):
                return in_progress(f"custom health check: {self.in_progress.source}")
            if self.failed is not None and self.failed.holds(obj):
                return failed(f"custom health check: {self.failed.source}")
            if self.current.holds(obj):
                return current("custom health check passed")
        except EvaluationFailed as error:
            return Assessment(Health.UNKNOWN, error=str(error))
        return in_progress("custom health check has not passed yet")


@dataclass(frozen=True, slots=True)
class HealthExpressions:
    """Compiled expressions by group and kind; an entry without kind is for the whole group."""

    _entries: Mapping[GroupKind, _Entry]

    @classmethod
    def parse(cls, raw: Sequence[Mapping[str, Any]] | None) -> Self:
        """Raises InvalidHealthExpression, with the words that Flux uses."""
        entries: dict[GroupKind, _Entry] = {}
        for index, item in enumerate(raw or ()):
            kind = GroupKind(str(item.get("apiVersion", "")).rpartition("/")[0], item.get("kind") or "")
            if kind in entries:
                raise InvalidHealthExpression(
                    f"duplicate custom health check for GroupKind {kind} at healthchecks[{index}]"
                )
            try:
                entries[kind] = _parse_entry(item)
            except InvalidExpression as error:
                raise InvalidHealthExpression(
                    f"failed to create custom status evaluator for healthchecks[{index}]: {error}"
                ) from error
        return cls(entries)

    def judges(self, kind: GroupKind) -> bool:
        """Is there an entry for the kind?"""
        return self._find(kind) is not None

    def assess(self, obj: Object) -> Assessment | None:
        """None when no entry is for this kind."""
        entry = self._find(GroupKind(str(obj["apiVersion"]).rpartition("/")[0], obj["kind"]))
        return entry.assess(obj) if entry is not None else None

    def _find(self, kind: GroupKind) -> _Entry | None:
        """The exact kind beats its group."""
        return self._entries.get(kind) or self._entries.get(GroupKind(kind.group, ""))


def _parse_entry(item: Mapping[str, Any]) -> _Entry:
    if not item.get("current"):
        raise InvalidExpression("expression Current not specified")
    parsed: dict[str, Expression | None] = {}
    for name, title in (("current", "Current"), ("inProgress", "InProgress"), ("failed", "Failed")):
        try:
            parsed[name] = cel.parse(item[name]) if item.get(name) else None
        except InvalidExpression as error:
            raise InvalidExpression(f"failed to parse the expression {title}: {error}") from error
    passed = parsed["current"]
    assert passed is not None
    return _Entry(passed, parsed["inProgress"], parsed["failed"])


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class ReadyExpression:
    """`readyExpr` of a dependency: a condition on `self` (who depends) and `dep` (specs 2.3)."""

    _condition: Expression

    @classmethod
    def parse(cls, source: str) -> Self:
        """Raises InvalidExpression."""
        return cls(cel.compile_condition(source, "self", "dep"))

    def holds(self, dependant: Mapping[str, Any], dependency: Mapping[str, Any]) -> bool:
        """Raises EvaluationFailed, which means not ready."""
        return self._condition.holds({"self": dependant, "dep": dependency})
