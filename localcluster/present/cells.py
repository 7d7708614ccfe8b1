"""Columns and cells: what tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from localcluster.store.revision import Obj

Cell = Callable[[Obj], Any]
NONE = "<none>"
UNSET = "<unset>"


@dataclass(frozen=True, slots=True)
class Column:
    """Wide columns have priority 1; clients show them when asked."""

    name: str
    type: str
    priority: int
    read: Cell
    description: str = ""
    format: str = ""

    def definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


@dataclass(frozen=True, slots=True)
class Columns:
    definitions: list[dict[str, Any]]
    readers: tuple[Cell, ...]

    def cells(self, obj: Obj) -> list[Any]:
        return [read(obj) for read in self.readers]


def name_of(obj: Obj) -> str:
    name: str = obj["metadata"].get("name", "")
    return name


_NAME = Column("Name", "string", 0, name_of, "Name must be unique within a namespace.", "name")


def column(name: str, kind: str, priority: int, read: Cell) -> Column:
    return Column(name, kind, priority, read, f"{name} of the object.")


def text(name: str, read: Cell) -> Column:
    return column(name, "string", 0, read)


def wide(name: str, read: Cell) -> Column:
    return column(name, "string", 1, read)


def number(name: str, read: Cell) -> Column:
    return column(name, "integer", 0, read)


def columns(*found: Column, named: bool = True) -> Columns:
    """A table whose first column is the object's name, unless it is not `named`."""
    every = (_NAME, *found) if named else found
    return Columns([each.definition() for each in every], tuple(each.read for each in every))


def at(path: str, default: Any = "") -> Cell:
    """A cell that shows the field at a dotted path."""
    parts = path.split(".")

    def read(obj: Obj) -> Any:
        value: Any = obj
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        return default if value is None else value

    return read


def shown(path: str, default: str = NONE) -> Cell:
    """The same as text, with booleans as Go prints them."""
    read = at(path)

    def cell(obj: Obj) -> str:
        value = read(obj)
        if value == "" or value is None:
            return default
        return str(value).lower() if isinstance(value, bool) else str(value)

    return cell


def joined(values: Iterable[str], separator: str = ",") -> str:
    return separator.join(values) or NONE


def labels_text(labels: dict[str, str] | None) -> str:
    """`a=b,c=d`, sorted."""
    return joined(f"{key}={value}" for key, value in sorted((labels or {}).items()))


def selector_text(selector: dict[str, Any] | None) -> str:
    """A LabelSelector as kubectl prints it."""
    if not selector:
        return NONE
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    words = {"In": "in", "NotIn": "notin"}
    for each in selector.get("matchExpressions") or ():
        key, operator = each["key"], each["operator"]
        if operator in words:
            terms.append(f"{key} {words[operator]} ({','.join(sorted(each.get('values') or ()))})")
        else:
            terms.append(key if operator == "Exists" else f"!{key}")
    return joined(sorted(terms, key=lambda term: term.lstrip("!")))
