"""Kubernetes' CEL functions for semantic versions: a version is a map of its parts, build data left out."""

from __future__ import annotations

import re
from typing import Any

from cel_expr_python import cel

from localcluster.objects.crd.celdeclare import function, member

_STRING, _BOOL, _INT, _MAP = cel.Type.STRING, cel.Type.BOOL, cel.Type.INT, cel.Type.MAP
_MAX_LENGTH = 256
_NUMBER = r"(0|[1-9]\d*)"
_FORM = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_LOOSE = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+].*)?", re.ASCII)


def functions() -> list[Any]:
    return [
        function("semver", [_STRING], _MAP, parse),
        function("semver", [_STRING, _BOOL], _MAP, lambda text, loose: parse(text, loose=loose)),
        function("isSemver", [_STRING], _BOOL, _is_semver),
        function("isSemver", [_STRING, _BOOL], _BOOL, lambda text, loose: _is_semver(text, loose=loose)),
        member("major", [_MAP], _INT, lambda version: version["major"]),
        member("minor", [_MAP], _INT, lambda version: version["minor"]),
        member("patch", [_MAP], _INT, lambda version: version["patch"]),
        member("compareTo", [_MAP, _MAP], _INT, _compare),
        member("isGreaterThan", [_MAP, _MAP], _BOOL, lambda one, other: _compare(one, other) > 0),
        member("isLessThan", [_MAP, _MAP], _BOOL, lambda one, other: _compare(one, other) < 0),
    ]


def parse(text: str, *, loose: bool = False) -> dict[str, Any]:
    """The parts of a version; ValueError where it is none. `loose` takes `v1` for 1.0.0 too."""
    if loose:
        text = _normal(text)
    found = _FORM.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if found is None or any(_has_leading_zero(part) for part in (found[4] or "").split(".")):
        raise ValueError(f"Invalid semantic version: {text[:_MAX_LENGTH]!r}")
    major, minor, patch = (int(found[number]) for number in (1, 2, 3))
    return {"major": major, "minor": minor, "patch": patch, "pre": found[4] or ""}


def _normal(text: str) -> str:
    found = _LOOSE.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if found is None:
        return text
    numbers = (str(int(found[number] or 0)) for number in (1, 2, 3))
    return ".".join(numbers) + (found[4] or "")


def _has_leading_zero(part: str) -> bool:
    return len(part) > 1 and part.isdigit() and part.startswith("0")


def _is_semver(text: str, *, loose: bool = False) -> bool:
    try:
        parse(text, loose=loose)
    except ValueError:
        return False
    return True


def _compare(one: dict[str, Any], other: dict[str, Any]) -> int:
    left, right = _rank(one), _rank(other)
    return (left > right) - (left < right)


def _rank(version: dict[str, Any]) -> tuple[Any, ...]:
    """Before a release come its pre-releases; numbers come before words, fewer parts before more."""
    parts = version["pre"].split(".") if version["pre"] else []
    words = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
    return (version["major"], version["minor"], version["patch"], not parts, words)
