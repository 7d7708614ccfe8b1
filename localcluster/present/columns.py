"""Which columns a kind's table has: a table of tables, and those that definitions declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcluster.present import cluster_kinds, network_kinds, workload_kinds
from localcluster.present.age import age_of
from localcluster.present.cells import Column, Columns, column, columns
from localcluster.present.custom_columns import custom_columns
from localcluster.resources.resource import Resource

_OF_KIND: Mapping[tuple[str, str], Columns] = {
    **workload_kinds.COLUMNS,
    **network_kinds.COLUMNS,
    **cluster_kinds.COLUMNS,
}


def _created(obj: dict[str, Any]) -> Any:
    return obj["metadata"].get("creationTimestamp")


_ANY_KIND = columns(
    Column(
        "Created At",
        "date",
        0,
        _created,
        "CreationTimestamp is when the object was made, by the server's clock.",
    )
)
_ANY_CUSTOM_KIND = columns(column("Age", "date", 0, age_of))


def columns_of(resource: Resource) -> Columns:
    """The columns of a kind; name and time of creation where it has none of its own."""
    if resource.custom is not None:
        declared = resource.custom.compiled.columns
        return custom_columns(declared) if declared else _ANY_CUSTOM_KIND
    return _OF_KIND.get((resource.group, resource.kind), _ANY_KIND)
