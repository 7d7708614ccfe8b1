"""Resource quantities: `500m`, `1Gi`, `2e3`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

# The suffix is matched loosely and looked up, so that a wrong one is told from a wrong number.
_FORM = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?([A-Za-z]{0,2}|[eE][+-]?\d{1,3})", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_NANO = 10**9
# Longer numbers are nobody's quantity, and would only cost time.
_MAX_LENGTH = 128
_MAX_EXPONENT = 200


class BadQuantity(ValueError):
    """Text that is no quantity."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount (in units, rounded up to 1/10^9) and the family of suffixes it was written with."""

    value: Fraction
    style: str  # "binary", "decimal" or "exponent"

    def __str__(self) -> str:
        return _text(self)


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity:
    """Reads a quantity. BadQuantity if it is none."""
    found = _FORM.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if found is None or not (found[2] or found[3]):
        raise BadQuantity(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    digits, fraction, suffix = found[2] or "0", found[3] or "", found[4]
    amount = Fraction(int(digits + fraction), 10 ** len(fraction))
    if suffix in _BINARY:
        style, amount = "binary", amount * 1024 ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        style, amount = "decimal", amount * Fraction(10) ** _DECIMAL[suffix]
    elif suffix[:1] in {"e", "E"} and suffix[1:].lstrip("+-").isdigit():
        exponent = int(suffix[1:])
        if abs(exponent) > _MAX_EXPONENT:
            raise BadQuantity("unable to parse quantity's suffix")
        style, amount = "exponent", amount * Fraction(10) ** exponent
    else:
        raise BadQuantity("unable to parse quantity's suffix")
    nano = -((-amount * _NANO) // 1)
    exact = Fraction(nano, _NANO)
    return Quantity(-exact if found[1] == "-" else exact, style)


def _text(quantity: Quantity) -> str:
    value = quantity.value
    if value == 0:
        return "0"
    if quantity.style == "binary" and abs(value) >= 1024:
        number = -((-value) // 1)
        power = 0
        while number % 1024 == 0 and power < max(_BINARY_SUFFIX):
            number, power = number // 1024, power + 1
        return f"{number}{_BINARY_SUFFIX.get(power, '')}"
    number, exponent = int(value * _NANO), -9
    while number % 10 == 0:
        number, exponent = number // 10, exponent + 1
    while exponent % 3 != 0 or (quantity.style != "exponent" and exponent > max(_DECIMAL_SUFFIX)):
        number, exponent = number * 10, exponent - 1
    if quantity.style == "exponent":
        return f"{number}e{exponent}" if exponent else str(number)
    return f"{number}{_DECIMAL_SUFFIX[exponent]}"


def canonical(raw: str | float) -> str:
    """The one form in which the server writes a quantity. BadQuantity if it is none."""
    text = raw.strip() if isinstance(raw, str) else repr(raw)
    return str(parse(text))
