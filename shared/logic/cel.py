"""CEL expressions of users, as Flux compiles and evaluates them (specs/runtime.md 9.1).

The library is imported when the first expression is compiled. It bounds nesting and the number of
iterations itself; the length of an expression is bounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

_MAX_LENGTH = 16_384


class InvalidExpression(ValueError):
    """The expression cannot be compiled: only a change of the spec helps."""


class EvaluationFailed(ValueError):
    """The expression has no boolean value for this object, for instance because a field is missing."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression that is either true or false."""

    source: str
    _program: Any

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Raises EvaluationFailed."""
        kind, value = _evaluated(self.source, self._program, variables)
        if kind != "BOOL":
            raise EvaluationFailed(f"failed to evaluate CEL expression as boolean: '{self.source}'")
        return bool(value)


@dataclass(frozen=True, slots=True)
class TextExpression:
    """A compiled expression that is a text."""

    source: str
    _program: Any

    def text(self, variables: Mapping[str, Any]) -> str:
        """Raises EvaluationFailed."""
        kind, value = _evaluated(self.source, self._program, variables)
        if kind != "STRING":
            raise EvaluationFailed(f"failed to evaluate the CEL expression '{self.source}': {value}")
        return str(value)


def _evaluated(source: str, program: Any, variables: Mapping[str, Any]) -> tuple[str, Any]:
    """The name of the result's type, and the result. Raises EvaluationFailed."""
    try:
        value = program.eval(data=dict(variables))
    except (RuntimeError, OverflowError, TypeError, ValueError) as error:
        # A spent budget of iterations, or a number that CEL has no type for.
        raise EvaluationFailed(f"failed to evaluate the CEL expression '{source}': {error}") from error
    kind = value.type().name()
    if kind == "ERROR":
        raise EvaluationFailed(f"failed to evaluate the CEL expression '{source}': {value.value()}")
    return kind, value.value()


def parse(source: str) -> Expression:
    """Any top-level field of an object may be a variable; types are not checked. Raises InvalidExpression."""
    return Expression(source, _compiled(_environment(()), source, checked=False))


def compile_condition(source: str, *variables: str) -> Expression:
    """The variables are objects, others are unknown, and the type must be bool. Raises InvalidExpression.

    A field of an object is dynamic, not bool: `dep.status.ready` is refused, `dep.status.ready == true`
    is not.
    """
    return Expression(source, _typed(source, variables, "bool"))


def compile_text(source: str, *variables: str) -> TextExpression:
    """As compile_condition, of the type string. Raises InvalidExpression."""
    return TextExpression(source, _typed(source, variables, "string"))


def _typed(source: str, variables: tuple[str, ...], wanted: str) -> Any:
    program = _compiled(_environment(variables), source, checked=True)
    kind = program.return_type().name().lower()
    if kind != wanted:
        raise InvalidExpression(
            f"failed to parse the CEL expression '{source}': output type mismatch: "
            f"expected {wanted}, got {kind}"
        )
    return program


def _compiled(environment: Any, source: str, *, checked: bool) -> Any:
    if len(source) > _MAX_LENGTH:
        raise InvalidExpression(
            f"a CEL expression of {len(source)} characters, at most {_MAX_LENGTH} are read"
        )
    try:
        return environment.compile(source, disable_check=not checked)
    except RuntimeError as error:
        raise InvalidExpression(f"failed to parse the CEL expression '{source}': {error}") from error


@cache
def _environment(variables: tuple[str, ...]) -> Any:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_encoders, ext_optional, ext_strings

    mapping = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(
        variables=dict.fromkeys(variables, mapping),
        extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional(), ext_encoders.ExtEncoders()],
        functions=_set_functions(cel),
    )


def _set_functions(cel: Any) -> list[Any]:
    """The sets extension, which the library does not bring."""
    items = cel.Type.List(cel.Type.DYN)
    functions: Mapping[str, Callable[[list[Any], list[Any]], bool]] = {
        "contains": _contains,
        "equivalent": lambda one, other: _contains(one, other) and _contains(other, one),
        "intersects": lambda one, other: any(item in other for item in one),
    }
    return [
        cel.FunctionDecl(
            f"sets.{name}",
            [
                cel.Overload(
                    id=f"list_sets_{name}_list",
                    return_type=cel.Type.BOOL,
                    parameters=[items, items],
                    is_member=False,
                    impl=implementation,
                )
            ],
        )
        for name, implementation in functions.items()
    ]


def _contains(one: list[Any], other: list[Any]) -> bool:
    return all(item in one for item in other)
