"""What is wrong with an object, field by field, in the words of the genuine server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes` of a 422: reason, message (with the kind of error), field."""

    reason: str
    message: str
    field: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def shown(value: Any) -> str:
    """A value as error messages show it: JSON, `null` for nothing."""
    if isinstance(value, str):
        return _quoted(value)
    return orjson.dumps(value).decode()


def _quoted(text: str) -> str:
    """Go's %q, as far as JSON differs from it only in control characters."""
    return orjson.dumps(text).decode()


def message_of(causes: Iterable[Cause]) -> str:
    """The text after "is invalid: ": one cause bare, several in brackets, repeated ones once."""
    texts = list(dict.fromkeys(str(cause) for cause in causes))
    return texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"


def invalid(field: str, value: Any, detail: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}", field)


def required(field: str, detail: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {detail}" if detail else "Required value", field)


def forbidden(field: str, detail: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {detail}", field)


def duplicate(field: str, value: Any) -> Cause:
    return Cause("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field)


def not_found(field: str, value: Any) -> Cause:
    return Cause("FieldValueNotFound", f"Not found: {shown(value)}", field)


def unsupported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """`supported` in the order in which the message lists them."""
    listed = ", ".join(_quoted(one) for one in supported)
    text = f"Unsupported value: {shown(value)}"
    return Cause("FieldValueNotSupported", f"{text}: supported values: {listed}" if listed else text, field)


def too_long(field: str, limit: int) -> Cause:
    unit = "byte" if limit == 1 else "bytes"
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} {unit}", field)


def too_many(field: str, actual: int, limit: int) -> Cause:
    unit = "item" if limit == 1 else "items"
    return Cause("FieldValueTooMany", f"Too many: {actual}: must have at most {limit} {unit}", field)


def type_invalid(field: str, value: Any, detail: str) -> Cause:
    return Cause("FieldValueTypeInvalid", f"Invalid value: {shown(value)}: {detail}", field)
