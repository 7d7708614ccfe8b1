"""Label selectors: are they well formed, and do they select."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, forbidden, invalid, required
from localcluster.objects.forms import each
from localcluster.objects.validation.meta import labels

Json = dict[str, Any]


def label_selector(selector: Any, field: str) -> list[Cause]:
    if not selector:
        return []
    causes = labels(selector.get("matchLabels"), f"{field}.matchLabels")
    for at, one in enumerate(selector.get("matchExpressions") or ()):
        causes += _requirement(one, f"{field}.matchExpressions[{at}]")
    return causes


def _requirement(one: Json, field: str) -> list[Cause]:
    causes: list[Cause] = []
    operator, values = one.get("operator", ""), one.get("values") or []
    if operator in {"In", "NotIn"}:
        if not values:
            causes.append(required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in {"Exists", "DoesNotExist"}:
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(forbidden(f"{field}.values", detail))
    else:
        causes.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    causes += each(f"{field}.key", one.get("key", ""), forms.qualified_name(one.get("key", "")))
    for at, value in enumerate(values):
        causes += each(f"{field}.values[{at}]", value, forms.label_value(value))
    return causes


def in_order(selector: Any) -> Any:
    """A selector as messages show it: labels before expressions, labels sorted."""
    if not isinstance(selector, dict):
        return selector
    found: Json = {}
    if labelled := selector.get("matchLabels"):
        found["matchLabels"] = dict(sorted(labelled.items()))
    if expressions := selector.get("matchExpressions"):
        found["matchExpressions"] = expressions
    return found


def is_empty(selector: Any) -> bool:
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def matches(selector: Any, values: Json) -> bool:
    """Whether a well-formed selector selects the labels; nothing selects nothing."""
    if selector is None:
        return False
    if any(values.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(one, values) for one in selector.get("matchExpressions") or ())


def _holds(one: Json, values: Json) -> bool:
    value, listed = values.get(one.get("key", "")), one.get("values") or []
    match one.get("operator"):
        case "In":
            return value is not None and value in listed
        case "NotIn":
            return value is None or value not in listed
        case "Exists":
            return value is not None
        case _:
            return value is None
