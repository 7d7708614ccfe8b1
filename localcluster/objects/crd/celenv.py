"""The CEL environment of validation rules: the standard library, strings, math, sets of lists, and
Kubernetes' own.

Imported when the first rule is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import re2
from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from localcluster.objects import quantity
from localcluster.objects.crd import celformats, celnet, celsemver
from localcluster.objects.crd.celdeclare import function, member, plain
from localcluster.objects.quantity import Quantity

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
        member("find", [_STRING, _STRING], _STRING, _find),
        member("findAll", [_STRING, _STRING], cel.Type.List(_STRING), _find_all),
        member("isSorted", [_LIST], _BOOL, _is_sorted),
        member("sum", [_LIST], _DYN, lambda items: sum(plain(items))),
        member("min", [_LIST], _DYN, lambda items: min(plain(items))),
        member("max", [_LIST], _DYN, lambda items: max(plain(items))),
        function("sets.contains", [_LIST, _LIST], _BOOL, lambda a, b: _within(b, a)),
        function("sets.equivalent", [_LIST, _LIST], _BOOL, lambda a, b: _within(a, b) and _within(b, a)),
        function("sets.intersects", [_LIST, _LIST], _BOOL, _intersect),
        member("indexOf", [_LIST, _DYN], _INT, _index),
        member("lastIndexOf", [_LIST, _DYN], _INT, _last_index),
        *_quantities(),
        *celnet.functions(),
        *celsemver.functions(),
        *celformats.functions(),
    ]


def _quantities() -> list[Any]:
    """A quantity is its canonical text; what can be asked of it parses that."""
    amount = _amount
    return [
        function("isQuantity", [_STRING], _BOOL, lambda text: _parses(quantity.parse, text)),
        function("quantity", [_STRING], _STRING, quantity.canonical),
        member("isGreaterThan", [_STRING, _STRING], _BOOL, lambda a, b: amount(a) > amount(b)),
        member("isLessThan", [_STRING, _STRING], _BOOL, lambda a, b: amount(a) < amount(b)),
        member("compareTo", [_STRING, _STRING], _INT, _compare),
        member("add", [_STRING, _STRING], _STRING, lambda a, b: _sum(a, quantity.parse(b), 1)),
        member("add", [_STRING, _INT], _STRING, lambda a, b: _sum(a, quantity.parse(str(b)), 1)),
        member("sub", [_STRING, _STRING], _STRING, lambda a, b: _sum(a, quantity.parse(b), -1)),
        member("sub", [_STRING, _INT], _STRING, lambda a, b: _sum(a, quantity.parse(str(b)), -1)),
        member("sign", [_STRING], _INT, lambda a: _compare(a, "0")),
        member("isInteger", [_STRING], _BOOL, lambda a: amount(a).denominator == 1),
        member("asInteger", [_STRING], _INT, _whole),
        member("asApproximateFloat", [_STRING], cel.Type.DOUBLE, lambda a: float(amount(a))),
    ]


def _amount(text: str) -> Fraction:
    return quantity.parse(text).value


def _sum(left: str, right: Quantity, sign: int) -> str:
    one = quantity.parse(left)
    return str(Quantity(one.value + sign * right.value, one.style if one.value else right.style))


def _whole(text: str) -> int:
    amount = _amount(text)
    if amount.denominator != 1:
        raise ValueError("cannot convert value to integer")
    return int(amount)


def _compare(left: str, right: str) -> int:
    return (_amount(left) > _amount(right)) - (_amount(left) < _amount(right))


def _intersect(left: Any, right: Any) -> bool:
    values = plain(right)
    return any(one in values for one in plain(left))


def _within(part: Any, whole: Any) -> bool:
    values = plain(whole)
    return all(one in values for one in plain(part))


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _find(text: str, pattern: str) -> str:
    found = re2.search(pattern, text)
    return found[0] if found is not None else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [found[0] for found in re2.finditer(pattern, text)]


def _index(items: Any, wanted: Any) -> int:
    values = plain(items)
    return values.index(wanted) if wanted in values else -1


def _last_index(items: Any, wanted: Any) -> int:
    values = plain(items)
    return len(values) - 1 - values[::-1].index(wanted) if wanted in values else -1


def _is_sorted(items: Any) -> bool:
    values = plain(items)
    return all(left <= right for left, right in pairwise(values))
