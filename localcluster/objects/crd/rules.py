"""x-kubernetes-validations: CEL rules on custom resources, with a bound on what they may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from localcluster.objects.causes import Cause
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

    @property
    def empty(self) -> bool:
        return not (self.rules or self.fields or self.element)


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
            data["oldSelf"] = None if old is MISSING or old is None else view(old, structural)
        self.budget[0] -= cost(rule.expression, value)
        if self.budget[0] < 0:
            raise _Spent
        holds = _evaluate(rule.expression, data)
        if holds is True:
            return
        if holds is not False:
            self.causes.append(Cause("FieldValueInvalid", f"Invalid value: {holds}", path))
            return
        self.causes.append(_cause(rule, value, data, path))


def _cause(rule: Rule, value: Any, data: Json, path: str) -> Cause:
    message = ""
    if rule.message_expression:
        computed = _evaluate(rule.message_expression, data)
        if isinstance(computed, str) and computed.strip() and "\n" not in computed:
            message = computed.strip()
    message = message or rule.message or f"failed rule: {' '.join(rule.expression.split())}"
    where = path + rule.field_path if path else rule.field_path.removeprefix(".")
    shown = "" if isinstance(value, dict | list) or rule.field_path else f"{_text(value)}: "
    match rule.reason:
        case "FieldValueForbidden":
            return Cause(rule.reason, f"Forbidden: {message}", where)
        case "FieldValueRequired":
            return Cause(rule.reason, f"Required value: {message}", where)
        case "FieldValueDuplicate":
            return Cause(rule.reason, f"Duplicate value: {_text(value)}", where)
        case _:
            return Cause(rule.reason, f"Invalid value: {shown}{message}", where)


def _text(value: Any) -> str:
    from localcluster.objects.causes import shown

    return shown(value)


def _child(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _key(item: Any, structural: Json) -> str:
    keys = structural.get("x-kubernetes-list-map-keys") or ()
    return repr([item.get(key) for key in keys]) if isinstance(item, dict) else repr(item)


def _by_key(old: Any, structural: Json) -> dict[str, Any]:
    if not isinstance(old, list) or structural.get("x-kubernetes-list-type") != "map":
        return {}
    return {_key(item, structural): item for item in old}


def _evaluate(expression: str, data: Json) -> Any:
    """The value of an expression, or the text of what went wrong."""
    program = program_of(expression, "oldSelf" in data)
    if isinstance(program, str):
        return f"compilation failed: {program}"
    result = program.eval(data=data)
    if result.type().name() in {"error", "*error*"}:
        return f"rule evaluation error: {result.value()}"
    return result.plain_value()


@lru_cache(maxsize=4096)
def program_of(expression: str, with_old: bool) -> Any:  # noqa: FBT001 - part of the cache key
    """The compiled expression, or the compiler's complaint."""
    try:
        return _environment(with_old).compile(expression)
    except (RuntimeError, ValueError) as error:
        return str(error)


@lru_cache(maxsize=2)
def _environment(with_old: bool) -> Any:  # noqa: FBT001 - part of the cache key
    from localcluster.objects.crd.celenv import environment

    return environment(with_old=with_old)
