"""The CEL environment of validation rules: the standard library, strings, math, sets of lists, and
Kubernetes' own.

Imported when the first rule is compiled.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

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
        _global("sets.contains", [_LIST, _LIST], _BOOL, lambda a, b: _within(b, a)),
        _global("sets.equivalent", [_LIST, _LIST], _BOOL, lambda a, b: _within(a, b) and _within(b, a)),
        _global("sets.intersects", [_LIST, _LIST], _BOOL, _intersect),
        _global("isURL", [_STRING], _BOOL, _is_url),
        _global("isIP", [_STRING], _BOOL, lambda text: _parses(ipaddress.ip_address, text)),
        _global("isCIDR", [_STRING], _BOOL, lambda text: "/" in text and _parses(ipaddress.ip_network, text)),
        *_quantities(),
    ]


def _quantities() -> list[Any]:
    """A quantity is its canonical text; what can be asked of it parses that."""
    amount = _amount
    return [
        _global("isQuantity", [_STRING], _BOOL, lambda text: _parses(quantity.parse, text)),
        _global("quantity", [_STRING], _STRING, quantity.canonical),
        _member("isGreaterThan", [_STRING, _STRING], _BOOL, lambda a, b: amount(a) > amount(b)),
        _member("isLessThan", [_STRING, _STRING], _BOOL, lambda a, b: amount(a) < amount(b)),
        _member("compareTo", [_STRING, _STRING], _INT, _compare),
        _member("sign", [_STRING], _INT, lambda a: _compare(a, "0")),
        _member("isInteger", [_STRING], _BOOL, lambda a: amount(a).denominator == 1),
        _member("asInteger", [_STRING], _INT, lambda a: int(amount(a))),
        _member("asApproximateFloat", [_STRING], cel.Type.DOUBLE, lambda a: float(amount(a))),
    ]


def _amount(text: str) -> Fraction:
    return quantity.parse(text).value


def _compare(left: str, right: str) -> int:
    return (_amount(left) > _amount(right)) - (_amount(left) < _amount(right))


def _intersect(left: Any, right: Any) -> bool:
    values = _plain(right)
    return any(one in values for one in _plain(left))


def _within(part: Any, whole: Any) -> bool:
    values = _plain(whole)
    return all(one in values for one in _plain(part))


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def _member(name: str, parameters: list[Any], result: Any, impl: Any) -> Any:
    overload = cel.Overload(f"kubernetes_{name}", result, parameters, is_member=True, impl=impl)
    return cel.FunctionDecl(name, [overload])


def _global(name: str, parameters: list[Any], result: Any, impl: Any) -> Any:
    return cel.FunctionDecl(
        name, [cel.Overload(f"kubernetes_{name.replace('.', '_')}", result, parameters, impl=impl)]
    )


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
