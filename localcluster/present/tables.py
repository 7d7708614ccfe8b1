"""Tables: rows and columns as `kubectl get` prints them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from localcluster import rules
from localcluster.present.cells import Columns
from localcluster.present.columns import columns_of
from localcluster.present.rendering import partial
from localcluster.resources.resource import Resource
from localcluster.status import bad_request
from localcluster.store.revision import Obj, Revision

_INCLUDED = ("", "Metadata", "Object", "None")


def require_include(include: str) -> None:
    """Raise 400 for an unknown `includeObject`."""
    if include not in _INCLUDED:
        problem = f"Invalid value: \"{include}\": must be 'Metadata', 'Object', 'None', or empty"
        raise bad_request(f"Unable to convert to Table as requested: includeObject: {problem}")


def table(
    resource: Resource, revisions: Iterable[Revision], metadata: Obj, include: str, *, headers: bool = True
) -> Obj:
    """A meta.k8s.io/v1 Table of objects."""
    objs = (rules.from_storage(resource, revision.load()) for revision in revisions)
    return table_of(resource, objs, metadata, include, headers=headers)


def table_of(
    resource: Resource, objs: Iterable[Obj], metadata: Obj, include: str, *, headers: bool = True
) -> Obj:
    require_include(include)
    columns = columns_of(resource)
    body: Obj = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    body["columnDefinitions"] = columns.definitions if headers else None
    body["rows"] = [_row(columns, obj, include) for obj in objs]
    return body


def _row(columns: Columns, obj: Obj, include: str) -> Obj:
    shown: Any = None
    if include == "Object":
        shown = obj
    elif include != "None":
        shown = partial(obj)
    return {"cells": columns.cells(obj), "object": shown}


class TableStream:
    """Tables of one row each, for a watch; the first has the column headers."""

    def __init__(self, resource: Resource, include: str) -> None:
        require_include(include)
        self._resource = resource
        self._include = include
        self._headers = True

    def frame(self, revision: Revision, event: str) -> bytes:
        metadata = {"resourceVersion": str(revision.version)}
        body = table(self._resource, [revision], metadata, self._include, headers=self._headers)
        self._headers = False
        return orjson.dumps({"type": event, "object": body}) + b"\n"
