"""Which columns a kind's table has, and how its cells are filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcluster.present.age import age_of
from localcluster.resources.resource import Resource
from localcluster.store.revision import Obj

Cell = Callable[[Obj], Any]


@dataclass(frozen=True, slots=True)
class Columns:
    definitions: list[dict[str, Any]]
    readers: tuple[Cell, ...]

    def cells(self, obj: Obj) -> list[Any]:
        return [read(obj) for read in self.readers]


def definition(name: str, kind: str, priority: int, **more: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "format": more.get("format", ""),
        "description": more.get("description", ""),
        "priority": priority,
    }


def name_of(obj: Obj) -> str:
    name: str = obj["metadata"].get("name", "")
    return name


_NAME = definition("Name", "string", 0, format="name", description="Name must be unique within a namespace.")


def columns_of(resource: Resource) -> Columns:
    created = definition("Created At", "date", 0, description="When the object was made.")
    return Columns([_NAME, created], (name_of, age_of))
