"""What the server fills in, type by type: one table per API group, one walk that applies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcluster.objects.defaults import (
    admission,
    apiextensions,
    apps,
    autoscaling,
    batch,
    core,
    flowcontrol,
    networking,
    pods,
    rbac,
    storage,
)
from localcluster.objects.schema import Schema, builtin

Json = dict[str, Any]
Rule = Callable[[Json], None]

# OpenAPI name of a type -> what is filled in on a value of that type.
_RULES: dict[str, Rule] = {}
for _group in (
    core,
    pods,
    apps,
    batch,
    networking,
    rbac,
    storage,
    admission,
    autoscaling,
    apiextensions,
    flowcontrol,
):
    _RULES.update(_group.RULES)


def apply_defaults(obj: Json) -> Json:
    """Fills in the defaults of a built-in kind, in place, and returns the object.

    `obj` is what `decode` returned and shared with nobody. Objects of other kinds are returned untouched.
    """
    group, _, version = obj.get("apiVersion", "").rpartition("/")
    schema = builtin(group, version, obj.get("kind", ""))
    if schema is not None:
        _walk(obj, _plan(schema))
    return obj


class _Plan:
    """What of a type is visited: its own rule, plain defaults, and the fields worth a descent."""

    __slots__ = ("below", "element", "fills", "rule")

    def __init__(self) -> None:
        self.rule: Rule | None = None
        self.fills: dict[str, Any] = {}
        self.below: dict[str, _Plan] = {}
        self.element: _Plan | None = None

    @property
    def idle(self) -> bool:
        return not (self.rule or self.fills or self.below or self.element)


_PLANS: dict[int, _Plan] = {}


def _plan(schema: Schema) -> _Plan:
    """The plan of a type; types without defaults get an idle one. Types live as long as the process."""
    plan = _PLANS.get(id(schema))
    if plan is not None:
        return plan
    plan = _PLANS[id(schema)] = _Plan()
    if schema.shape == "struct":
        plan.rule = _RULES.get(schema.name)
        for name, field in schema.fields.items():
            if field.default is not None:
                plan.fills[name] = field.default
            if not (below := _plan(field)).idle:
                plan.below[name] = below
    elif schema.shape in {"list", "map"} and schema.element is not None:
        element = _plan(schema.element)
        plan.element = None if element.idle else element
    return plan


def _walk(value: Any, plan: _Plan) -> None:
    if plan.element is not None:
        if isinstance(value, list):
            for item in value:
                _walk(item, plan.element)
        elif isinstance(value, dict):
            for item in value.values():
                _walk(item, plan.element)
        return
    if not isinstance(value, dict):
        return
    if plan.rule is not None:
        plan.rule(value)
    for name, fill in plan.fills.items():
        if value.get(name) is None or (value[name] == "" and fill != ""):
            value[name] = fill
    for name, below in plan.below.items():
        inner = value.get(name)
        if inner is not None:
            _walk(inner, below)
