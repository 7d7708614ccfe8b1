"""Selectors of objects as the query text that clients send."""

from __future__ import annotations

from typing import Any


def selector_query(selector: dict[str, Any]) -> str:
    """`app=web,tier in (a,b)`; a plain map (ReplicationController) counts as matchLabels."""
    plain = "matchLabels" not in selector and "matchExpressions" not in selector
    labels = selector if plain else selector.get("matchLabels") or {}
    terms = [(key, f"{key}={value}") for key, value in labels.items()]
    expressions = [] if plain else selector.get("matchExpressions") or []
    terms.extend((each["key"], _expression(each)) for each in expressions)
    return ",".join(term for _, term in sorted(terms))


def _expression(expression: dict[str, Any]) -> str:
    key, values = expression["key"], ",".join(sorted(expression.get("values") or ()))
    match expression["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return str(key)
    return f"!{key}"
