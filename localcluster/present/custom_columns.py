"""Columns as a definition's additionalPrinterColumns declare them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from localcluster.objects.crd import jsonpath
from localcluster.objects.crd.compile import Column as Declared
from localcluster.present.age import since
from localcluster.present.cells import Column, Columns, columns
from localcluster.store.revision import Obj


def custom_columns(declared: Iterable[Declared]) -> Columns:
    return columns(
        *(
            Column(
                each.name,
                each.type,
                each.priority,
                _reader(each.json_path, each.type),
                each.description,
                each.format,
            )
            for each in declared
        )
    )


def _reader(path: str, kind: str) -> Callable[[Obj], Any]:
    def read(obj: Obj) -> Any:
        try:
            found = jsonpath.find(obj, path)
        except jsonpath.BadJsonPath:
            return None
        return _cell(found, kind) if found else None

    return read


def _cell(found: list[Any], kind: str) -> Any:
    """A value as its column's type shows it; None where it is of another type."""
    value = found[0]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "integer":
            return int(value) if number else None
        case "number":
            return value if number else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "date":
            return since(value) if isinstance(value, str) else None
    return " ".join(_text(each) for each in found)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
