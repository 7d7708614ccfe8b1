"""Columns as a definition's additionalPrinterColumns declare them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcluster.present.age import since
from localcluster.present.cells import Column, Columns, columns
from localcluster.present.paths import values_at
from localcluster.store.revision import Obj

_INTEGRAL = (int,)
_FRACTIONAL = (int, float)


def custom_columns(declared: list[dict[str, Any]]) -> Columns:
    return columns(
        *(
            Column(
                each["name"],
                each["type"],
                each.get("priority", 0),
                _reader(each["jsonPath"], each["type"]),
                each.get("description")
                or f"Custom resource definition column (in JSONPath format): {each['jsonPath']}",
                each.get("format", ""),
            )
            for each in declared
        )
    )


def _reader(path: str, kind: str) -> Callable[[Obj], Any]:
    def read(obj: Obj) -> Any:
        found = values_at(obj, path)
        return _cell(found, kind) if found else None

    return read


def _cell(found: list[Any], kind: str) -> Any:
    """A value as its column's type shows it; None where it is of another type."""
    value = found[0]
    match kind:
        case "integer":
            return int(value) if isinstance(value, _FRACTIONAL) and not isinstance(value, bool) else None
        case "number":
            return value if isinstance(value, _FRACTIONAL) and not isinstance(value, bool) else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "date":
            return since(value) if isinstance(value, str) else None
    return " ".join(_text(each) for each in found)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        import orjson

        return orjson.dumps(value).decode()
    return str(value)
