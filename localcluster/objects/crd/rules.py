"""x-kubernetes-validations: CEL rules on custom resources, with a bound on what they may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcluster.objects.causes import Cause, shown
from localcluster.objects.crd.celrun import RuleFailed, evaluate
from localcluster.objects.crd.celview import cost, view
from localcluster.objects.typed import MISSING, same

Json = dict[str, Any]

# What all rules of one write may cost together, in the units of `celview.cost`.
BUDGET = 10_000_000
_REASONS = {
    "FieldValueInvalid",
    "FieldValueForbidden",
    "FieldValueRequired",
    "FieldValueDuplicate",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of x-kubernetes-validations."""

    expression: str
    message: str
    message_expression: str
    reason: str
    field_path: str
    optional_old: bool

    @property
    def is_transition(self) -> bool:
        return _mentions(self.expression, "oldSelf")


@dataclass(slots=True)
class RuleSet:
    """The rules at one place of a schema and those below it."""

    structural: Json
    rules: tuple[Rule, ...]
    fields: dict[str, RuleSet] = field(default_factory=dict)
    element: RuleSet | None = None
    # The rules of the schemas of allOf, which speak of the same value.
    also: list[RuleSet] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.rules or self.fields or self.element or self.also)


def compile_rules(structural: Json) -> RuleSet:
    """Collects the rules of a structural schema; places without rules are left out."""
    found = RuleSet(structural, tuple(_rule(one) for one in structural.get("x-kubernetes-validations") or ()))
    for name, below in (structural.get("properties") or {}).items():
        inner = compile_rules(below)
        if not inner.empty:
            found.fields[name] = inner
    for key in ("items", "additionalProperties"):
        if isinstance(structural.get(key), dict):
            inner = compile_rules(structural[key])
            found.element = found.element if inner.empty else inner
    for one in structural.get("allOf") or ():
        inner = compile_rules({"type": structural.get("type"), **one})
        if not inner.empty:
            found.also.append(inner)
    return found


def _rule(source: Json) -> Rule:
    reason = source.get("reason") or "FieldValueInvalid"
    return Rule(
        expression=source.get("rule", ""),
        message=(source.get("message") or "").strip(),
        message_expression=source.get("messageExpression") or "",
        reason=reason if reason in _REASONS else "FieldValueInvalid",
        field_path=source.get("fieldPath") or "",
        optional_old=bool(source.get("optionalOldSelf")),
    )


def _mentions(expression: str, name: str) -> bool:
    at = expression.find(name)
    while at >= 0:
        before, after = expression[at - 1 : at], expression[at + len(name) : at + len(name) + 1]
        if not (before.isalnum() or before in {"_", "."}) and not (after.isalnum() or after == "_"):
            return True
        at = expression.find(name, at + 1)
    return False


class _Spent(Exception):
    """The budget is used up."""


def check_rules(obj: Json, old: Json | None, rules: RuleSet, path: str = "") -> list[Cause]:
    """The causes of all rules that do not hold. `old` is the live object on updates."""
    run = _Run([BUDGET], [])
    try:
        run.visit(obj, MISSING if old is None else old, rules, path)
    except _Spent:
        run.causes.append(
            Cause(
                "FieldValueInvalid",
                "Invalid value: validation failed due to running out of cost budget, "
                "no further validation rules will be run",
                path,
            )
        )
    return run.causes


@dataclass(frozen=True, slots=True)
class _Run:
    budget: list[int]
    causes: list[Cause]

    def visit(self, value: Any, old: Any, rules: RuleSet, path: str) -> None:
        if value is None:
            return
        for rule in rules.rules:
            self._judge(rule, value, old, rules.structural, path)
        for other in rules.also:
            self.visit(value, old, other, path)
        if isinstance(value, dict):
            for name, below in value.items():
                inner = rules.fields.get(name)
                if inner is None and name not in (rules.structural.get("properties") or {}):
                    inner = rules.element
                if inner is not None:
                    before = old.get(name, MISSING) if isinstance(old, dict) else MISSING
                    declared = name in rules.fields
                    where = _child(path, name) if declared else f"{path}[{name}]"
                    self.visit(below, before, inner, where)
        elif isinstance(value, list) and rules.element is not None:
            earlier = _by_key(old, rules.structural)
            for at, item in enumerate(value):
                before = earlier.get(_key(item, rules.structural), MISSING) if earlier else MISSING
                self.visit(item, before, rules.element, f"{path}[{at}]")

    def _judge(self, rule: Rule, value: Any, old: Any, structural: Json, path: str) -> None:
        transition = rule.is_transition
        if transition and old is MISSING and not rule.optional_old:
            return
        # An old value that breaks a rule may stay as long as it is not touched.
        if not transition and old is not MISSING and same(value, old):
            return
        data = {"self": view(value, structural)}
        if transition:
            data["oldSelf"] = None if old is MISSING else view(old, structural)
        if rule.optional_old and transition:
            data["had_old_self"] = old is not MISSING
        self.budget[0] -= cost(rule.expression, value)
        if self.budget[0] < 0:
            raise _Spent
        try:
            holds = evaluate(rule.expression, data)
        except RuleFailed as failure:
            kind = structural.get("type", "")
            text = str(failure)
            if not failure.compiling:
                text += f" evaluating rule: {rule.message or rule.expression.strip()}"
            self.causes.append(Cause("FieldValueInvalid", f'Invalid value: "{kind}": {text}', path))
            return
        if holds is not True:
            self.causes.append(_cause(rule, value, data, path))


def _cause(rule: Rule, value: Any, data: Json, path: str) -> Cause:
    message = ""
    if rule.message_expression:
        message = _computed_message(rule.message_expression, data)
    message = message or rule.message or f"failed rule: {rule.expression.strip()}"
    where = path + rule.field_path if path else rule.field_path.removeprefix(".")
    plain = not isinstance(value, dict | list)
    match rule.reason:
        case "FieldValueForbidden":
            text = f"Forbidden: {message}"
        case "FieldValueRequired":
            text = f"Required value: {message}"
        case "FieldValueDuplicate":
            text = f"Duplicate value: {shown(value)}" if plain else "Duplicate value"
        case _:
            text = f"Invalid value: {shown(value)}: {message}" if plain else f"Invalid value: {message}"
    return Cause(rule.reason, text, where)


def _computed_message(expression: str, data: Json) -> str:
    """The message that an expression makes; "" if it fails or is not fit to be one."""
    try:
        computed = evaluate(expression, data)
    except RuleFailed:
        return ""
    fit = isinstance(computed, str) and "\n" not in computed
    return computed.strip() if fit else ""


def _child(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _key(item: Any, structural: Json) -> str:
    keys = structural.get("x-kubernetes-list-map-keys") or ()
    return repr([item.get(key) for key in keys]) if isinstance(item, dict) else repr(item)


def _by_key(old: Any, structural: Json) -> dict[str, Any]:
    if not isinstance(old, list) or structural.get("x-kubernetes-list-type") != "map":
        return {}
    return {_key(item, structural): item for item in old}
