"""Runs CEL expressions: compiled once, the library loaded when the first one is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

Json = dict[str, Any]

_NO_KEY = re.compile(r'Key not found in map : "?([^"]*)"?$')
# With optionalOldSelf the rule sees the old value as an optional.
_OPTIONAL = "cel.bind(oldSelf, had_old_self ? optional.of(oldSelf) : optional.none(), {})"


class RuleFailed(Exception):
    """An expression that can't be compiled (`compiling`) or has no value for this object."""

    def __init__(self, text: str, *, compiling: bool = False) -> None:
        super().__init__(text)
        self.compiling = compiling


def evaluate(expression: str, data: Json) -> Any:
    """The value of an expression. RuleFailed if it has none."""
    names = tuple(sorted(data))
    program = program_of(expression, names)
    if isinstance(program, str):
        raise RuleFailed(f"rule compile error: {program}", compiling=True)
    result = program.eval(data=data)
    value = result.plain_value()
    if result.type() == _error_type():
        raise RuleFailed(_worded(str(value)))
    return value


@lru_cache(maxsize=1)
def _error_type() -> Any:
    from cel_expr_python import cel

    return cel.Type.ERROR


def _worded(text: str) -> str:
    """Errors in the words of the genuine server's CEL library, as far as they are common."""
    if (missing := _NO_KEY.search(text)) is not None:
        return f"no such key: {missing[1]}"
    return text.partition(": ")[2] or text


@lru_cache(maxsize=4096)
def program_of(expression: str, names: tuple[str, ...]) -> Any:
    """The compiled expression over these variables, or the compiler's complaint."""
    optional = "had_old_self" in names
    try:
        return _environment(names).compile(_OPTIONAL.format(expression) if optional else expression)
    except (RuntimeError, ValueError) as error:
        return str(error)


@lru_cache(maxsize=8)
def _environment(names: tuple[str, ...]) -> Any:
    from localcluster.objects.crd.celenv import environment

    return environment(names)
