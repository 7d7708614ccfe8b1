"""The CEL environment of validation rules: the standard library, strings, math, sets of lists, and
Kubernetes' own.

Imported when the first rule is compiled.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import re2
from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from localcluster.objects import quantity

_DYN, _STRING, _BOOL, _INT = cel.Type.DYN, cel.Type.STRING, cel.Type.BOOL, cel.Type.INT
_LIST = cel.Type.List(cel.Type.DYN)


def environment(names: tuple[str, ...]) -> Any:
    """An environment with these variables, each of any type."""
    variables = dict.fromkeys(names, _DYN)
    extensions = [
        ext_bindings.ExtBindings(),
        ext_strings.ExtStrings(),
        ext_math.ExtMath(),
        ext_encoders.ExtEncoders(),
        ext_optional.ExtOptional(),
        cel.CelExtension("kubernetes", _functions()),
    ]
    return cel.NewEnv(variables=variables, extensions=extensions)


def _functions() -> list[Any]:
    return [
        _member("find", [_STRING, _STRING], _STRING, _find),
        _member("findAll", [_STRING, _STRING], cel.Type.List(_STRING), _find_all),
        _member("isSorted", [_LIST], _BOOL, _is_sorted),
        _member("sum", [_LIST], _DYN, lambda items: sum(_plain(items))),
        _member("min", [_LIST], _DYN, lambda items: min(_plain(items))),
        _member("max", [_LIST], _DYN, lambda items: max(_plain(items))),
        _global("isQuantity", [_STRING], _BOOL, _is_quantity),
    ]


def _member(name: str, parameters: list[Any], result: Any, impl: Any) -> Any:
    overload = cel.Overload(f"kubernetes_{name}", result, parameters, is_member=True, impl=impl)
    return cel.FunctionDecl(name, [overload])


def _global(name: str, parameters: list[Any], result: Any, impl: Any) -> Any:
    return cel.FunctionDecl(name, [cel.Overload(f"kubernetes_{name}", result, parameters, impl=impl)])


def _plain(items: Any) -> list[Any]:
    return [item.plain_value() if hasattr(item, "plain_value") else item for item in items]


def _find(text: str, pattern: str) -> str:
    found = re2.search(pattern, text)
    return found[0] if found is not None else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [found[0] for found in re2.finditer(pattern, text)]


def _is_sorted(items: Any) -> bool:
    values = _plain(items)
    return all(left <= right for left, right in pairwise(values))


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except quantity.BadQuantity:
        return False
    return True
