"""The latest of many values, by a policy (specs/image.md 8.2-8.4): pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

from shared.logic.semver import InvalidRange, InvalidVersion, Range, Version
from shared.model.image import PolicyRule

Choose = Callable[[Iterable[str]], str]
"""Takes values in order; raises NoChoice."""

_ORDERS = ("asc", "desc")
# What Go's ParseFloat takes, but for the words and hexadecimal; Python takes blanks and underscores, too.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_WORD = re.compile(r"[+-]?(?:inf|infinity|nan)", re.ASCII | re.IGNORECASE)
_HEX = re.compile(
    r"[+-]?0[xX]_?(?:[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*\.?(?:[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)?|\.[0-9a-fA-F]+)"
    r"[pP][+-]?[0-9]{1,9}",
    re.ASCII,
)
_SHOWN = 200


class InvalidPolicy(ValueError):
    """The policy itself is wrong."""


class NoChoice(ValueError):
    """The policy finds none of the values fit, or one of them unusable."""


def chooser(rule: PolicyRule) -> Choose:
    """Raises InvalidPolicy."""
    if rule.semver is not None:
        try:
            return partial(_by_version, Range.parse(rule.semver))
        except InvalidRange as error:
            raise InvalidPolicy(str(error)) from error
    if rule.alphabetical is not None:
        return partial(_by_alphabet, _descends(rule.alphabetical))
    if rule.numerical is not None:
        return partial(_by_number, _descends(rule.numerical))
    raise InvalidPolicy("given ImagePolicy object is invalid: none of semver, alphabetical, numerical is set")


def _descends(order: str) -> bool:
    if order.lower() not in _ORDERS:
        raise InvalidPolicy(f"invalid order argument provided: '{order[:_SHOWN]}', must be one of: asc, desc")
    return order.lower() == "desc"


def _by_version(within: Range, values: Iterable[str]) -> str:
    """The highest in the range; of equal ones, the first. `1.2` is no candidate, though it is a version."""
    best: tuple[Version, str] | None = None
    for value in _some(values):
        version = _version(value)
        if version is None or (best is not None and not best[0] < version):
            continue
        if within.contains(version):
            best = version, value
    if best is None:
        raise NoChoice("unable to determine latest version from provided list")
    return best[1]


def _version(value: str) -> Version | None:
    if value.count(".") < 2:
        return None
    try:
        return Version.parse(value)
    except InvalidVersion:
        return None


def _by_alphabet(descends: bool, values: Iterable[str]) -> str:  # noqa: FBT001 - bound once, by name
    pick = min if descends else max
    return pick(_some(values), key=str.encode)


def _by_number(descends: bool, values: Iterable[str]) -> str:  # noqa: FBT001 - bound once, by name
    """The greatest; of equal ones, the last."""
    best: tuple[float, str] | None = None
    for value in _some(values):
        number = parse_number(value)
        # Written as Go's comparison is, so that NaN falls out alike.
        if best is not None and (best[0] < number if descends else best[0] > number):
            continue
        best = number, value
    assert best is not None, "there is at least one value"
    return best[1]


def parse_number(text: str) -> float:
    """As Go's ParseFloat reads 64 bits. Raises NoChoice."""
    invalid = NoChoice(f"failed to parse invalid numeric value '{text[:_SHOWN]}'")
    if _WORD.fullmatch(text):
        return float(text)
    try:
        if _DECIMAL.fullmatch(text):
            number = float(text)
        elif _HEX.fullmatch(text):
            number = float.fromhex(text.replace("_", ""))
        else:
            raise invalid
    except OverflowError as error:
        raise invalid from error
    if number in (float("inf"), float("-inf")):
        raise invalid
    return number


def _some(values: Iterable[str]) -> list[str]:
    found = list(values)
    if not found:
        raise NoChoice("version list argument cannot be empty")
    return found
