"""`spec.ignore`: fields whose drift is accepted (specs/kustomize.md 8.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import orjson

from shared.logic import json_pointer
from shared.logic.json_pointer import InvalidPointer, Steps
from shared.logic.label_selector import InvalidSelector, LabelSelector
from shared.logic.owner import metadata_map
from shared.model.meta import Object, ObjectRef

_MAX_RULES = 1_000
_PARTS = ("group", "version", "kind", "name", "namespace")


class InvalidIgnoreRule(ValueError):
    """A rule of spec.ignore cannot be understood."""


@dataclass(frozen=True, slots=True)
class _Rule:
    paths: tuple[Steps, ...]
    patterns: tuple[tuple[str, str], ...]
    labels: LabelSelector
    annotations: LabelSelector

    def matches(self, obj: Mapping[str, Any]) -> bool:
        ref = ObjectRef.of(obj)
        return (
            all(_compiled(pattern).fullmatch(getattr(ref, part)) for part, pattern in self.patterns)
            and self.labels.matches(metadata_map(obj, "labels"))
            and self.annotations.matches(metadata_map(obj, "annotations"))
        )


@dataclass(frozen=True, slots=True)
class IgnoredPaths:
    """The places of one object that are not looked at."""

    paths: tuple[Steps, ...] = ()

    def without(self, obj: Object) -> Object:
        """A copy without these places."""
        for steps in self.paths:
            obj = json_pointer.without(obj, steps)
        return obj

    def resolve(
        self, desired: Object, live: Mapping[str, Any], dry_run: Mapping[str, Any], *, manager: str
    ) -> Object:
        """What to apply so that these places stay as they are in the cluster.

        Where another manager applies the field, it is left out of our manifest; otherwise the live
        value is written into it.
        """
        for steps in self.paths:
            there, ours = json_pointer.find(live, steps), json_pointer.find(dry_run, steps)
            if there == ours:
                continue
            if not there[0] or _applied_by_another(live, steps, manager):
                desired = json_pointer.without(desired, steps)
            else:
                desired = json_pointer.with_value(desired, steps, there[1])
        return desired


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """All rules of one Kustomization. Empty rules ignore nothing."""

    rules: tuple[_Rule, ...] = ()
    source: str = ""

    @classmethod
    def parse(cls, raw: Sequence[Mapping[str, Any]] | None) -> Self:
        """Read spec.ignore. Raises InvalidIgnoreRule."""
        if not raw:
            return cls()
        if len(raw) > _MAX_RULES:
            raise InvalidIgnoreRule(f"{len(raw)} ignore rules, at most {_MAX_RULES} are read")
        source = orjson.dumps(list(raw), option=orjson.OPT_SORT_KEYS).decode()
        return cls(tuple(_parse_rule(rule, index) for index, rule in enumerate(raw)), source)

    def paths_for(self, obj: Mapping[str, Any]) -> IgnoredPaths:
        return IgnoredPaths(tuple(path for rule in self.rules if rule.matches(obj) for path in rule.paths))


def _parse_rule(raw: Mapping[str, Any], index: int) -> _Rule:
    target = raw.get("target") or {}
    try:
        patterns = tuple((part, str(target[part])) for part in _PARTS if target.get(part))
        for _, pattern in patterns:
            _compiled(pattern)
        return _Rule(
            tuple(json_pointer.parse_pointer(path) for path in raw.get("paths") or ()),
            patterns,
            LabelSelector.parse(target.get("labelSelector") or ""),
            LabelSelector.parse(target.get("annotationSelector") or ""),
        )
    except (InvalidPointer, InvalidSelector, InvalidIgnoreRule) as error:
        raise InvalidIgnoreRule(f"ignore[{index}]: {error}") from error


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    """RE2: linear time whatever a user wrote, and Go's syntax."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"(?:{pattern})", options)
    except re2.error as error:
        raise InvalidIgnoreRule(f"invalid regular expression {pattern!r}") from error


def _applied_by_another(live: Mapping[str, Any], steps: Steps, manager: str) -> bool:
    entries = live["metadata"].get("managedFields") or ()
    return any(
        entry.get("operation") == "Apply"
        and entry.get("manager") != manager
        and _owns(entry.get("fieldsV1") or {}, live, steps)
        for entry in entries
    )


def _owns(fields: Any, value: Any, steps: Steps) -> bool:
    """Whether a fieldsV1 set holds the place, or something below it."""
    for step in steps:
        if not isinstance(fields, dict):
            return False
        if isinstance(value, list):
            item = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
            fields = next((fields[key] for key in fields if _denotes(key, item)), None)
            value = item
        else:
            fields = fields.get(f"f:{step}")
            value = value.get(step) if isinstance(value, dict) else None
        if fields is None:
            return False
    return True


def _denotes(key: str, item: Any) -> bool:
    """`k:{"name":"x"}` denotes the list item with that key, `v:"x"` the one with that value."""
    kind, _, text = key.partition(":")
    if kind not in ("k", "v"):
        return False
    try:
        wanted = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    if kind == "v":
        return bool(item == wanted)
    return isinstance(item, dict) and all(item.get(name) == given for name, given in wanted.items())
