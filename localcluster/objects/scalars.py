"""Single values as the Go types read and write them."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localcluster.objects.quantity import BadQuantity, canonical

if TYPE_CHECKING:
    from localcluster.objects.schema import Schema

_LIMITS = {"int32": 2**31, "int64": 2**63}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class NotConvertible(ValueError):
    """A value that the field's type can't hold."""


def json_name(value: Any) -> str:
    """What Go's JSON decoder calls a value in its messages."""
    if value is None:
        return "null"
    names = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "value")


def convert(value: Any, schema: Schema) -> Any:
    """A scalar as the field holds it. NotConvertible if it can't."""
    form = schema.format
    if form in {"time", "microtime"}:
        return _time(value, micro=form == "microtime")
    if form == "quantity":
        return _quantity(value)
    if form == "int-or-string":
        return value if isinstance(value, str) else _integer(value, "int32")
    match schema.type:
        case "string":
            return _bytes(value) if form == "byte" else _string(value)
        case "integer":
            return _integer(value, form or "int64")
        case "number":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise NotConvertible(
                    f"json: cannot unmarshal {json_name(value)} into Go value of type float64"
                )
            return value
        case "boolean":
            if not isinstance(value, bool):
                raise NotConvertible(f"json: cannot unmarshal {json_name(value)} into Go value of type bool")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise NotConvertible(f"json: cannot unmarshal {json_name(value)} into Go value of type string")
    return value


def _integer(value: Any, form: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotConvertible(f"json: cannot unmarshal {json_name(value)} into Go value of type {form}")
    limit = _LIMITS.get(form, 2**63)
    if not -limit <= value < limit:
        raise NotConvertible(f"json: cannot unmarshal number {value} into Go value of type {form}")
    return value


def _bytes(value: Any) -> str:
    text = _string(value)
    try:
        return base64.b64encode(
            base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        ).decode()
    except (binascii.Error, ValueError) as error:
        raise NotConvertible("illegal base64 data at input byte 0") from error


def _quantity(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotConvertible("unable to parse quantity")
    try:
        return canonical(value)
    except BadQuantity as error:
        raise NotConvertible(str(error)) from error


def _time(value: Any, *, micro: bool) -> str:
    text = _string(value)
    found = _TIME.fullmatch(text)
    if found is None:
        raise NotConvertible(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    if micro and len(found[3] or "") != 6:
        raise NotConvertible(f'parsing time "{text}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse')
    fraction = (found[3] or "").ljust(6, "0")[:6]
    zone = "+00:00" if found[4] in {"Z", "z"} else found[4]
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}.{fraction}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotConvertible(f'parsing time "{text}": out of range') from error
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ"
    return moment.strftime(form)
