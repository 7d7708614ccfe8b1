"""Declares functions of CEL that are written in Python; one name may have several forms."""

from __future__ import annotations

from typing import Any

from cel_expr_python import cel


def member(name: str, parameters: list[Any], result: Any, impl: Any) -> Any:
    """`value.name(...)`, the value being the first parameter."""
    identity = _identity(f"of {name}", parameters)
    return cel.FunctionDecl(name, [cel.Overload(identity, result, parameters, is_member=True, impl=impl)])


def function(name: str, parameters: list[Any], result: Any, impl: Any) -> Any:
    """`name(...)`; the name may be dotted."""
    return cel.FunctionDecl(name, [cel.Overload(_identity(name, parameters), result, parameters, impl=impl)])


def plain(items: Any) -> list[Any]:
    """A list as it comes from CEL, with ordinary values in it."""
    return [item.plain_value() if hasattr(item, "plain_value") else item for item in items]


def _identity(name: str, parameters: list[Any]) -> str:
    words = [name.replace(".", "_"), *(each.name().lower() for each in parameters)]
    return "kubernetes_" + "_".join("".join(filter(str.isalnum, word)) for word in words)
