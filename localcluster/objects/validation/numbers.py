"""Numbers that may be percentages."""

from __future__ import annotations

import re
from typing import Any

from localcluster.objects.causes import Cause, invalid

_PERCENT = re.compile(r"[0-9]+%")
_PERCENT_TEXT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)


def int_or_percent(value: Any, field: str) -> list[Cause]:
    """A number that is not negative, or a percentage."""
    if isinstance(value, str):
        return [] if _PERCENT.fullmatch(value) else [invalid(field, value, _PERCENT_TEXT)]
    if isinstance(value, int) and value < 0:
        return [invalid(field, value, "must be greater than or equal to 0")]
    return []


def is_zero(value: Any) -> bool:
    """Zero, or none of it."""
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return int(value[:-1]) == 0
    return not value


def over_hundred(value: Any, field: str) -> list[Cause]:
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > 100:
        return [invalid(field, value, "must not be greater than 100%")]
    return []
