"""JSON patch (RFC 6902, with the server's deviations) and JSON merge patch (RFC 7386)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from localcluster.objects.errors import BadRequest, TooLarge, Unprocessable
from localcluster.objects.typed import MISSING, same

MAX_OPERATIONS = 10_000
# Bytes that the copy operations of one patch may add up to.
MAX_COPIED = 3 * 1024 * 1024
# What the server says instead of telling what went wrong with a patch.
_REJECTED = "the server rejected our request due to an error in our request"

_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})


def merge_patch(document: Any, patch: Any) -> Any:
    """`document` with a JSON merge patch applied. Changes neither; BadRequest if the patch is no object."""
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a merge patch must be an object")
    return _merge(document, patch)


def _merge(document: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def json_patch(document: Any, operations: Any) -> Any:
    """`document` with a JSON patch applied. Changes neither argument.

    BadRequest if the patch is no list of objects, TooLarge if it asks for too much, Unprocessable if an
    operation is unknown or does not find what it needs.
    """
    if not isinstance(operations, list) or not all(isinstance(op, dict) for op in operations):
        raise BadRequest("error decoding patch: a JSON patch must be a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        )
    run = _Run(orjson.loads(orjson.dumps(document)), 0)
    for operation in operations:
        run.perform(operation)
    return run.document


@dataclass(slots=True)
class _Run:
    """The document being patched, owned by the run alone, and how many bytes have been copied."""

    document: Any
    copied: int

    def perform(self, operation: dict[str, Any]) -> None:
        name = operation.get("op")
        if name not in _OPERATIONS:
            raise Unprocessable(_REJECTED)
        path = _pointer(operation.get("path"))
        match name:
            case "add":
                self._add(path, operation.get("value"))
            case "remove":
                self._remove(path)
            case "replace":
                self._replace(path, operation.get("value"))
            case "move":
                value = self._remove(_pointer(operation.get("from")))
                self._add(path, value)
            case "copy":
                self._copy(_pointer(operation.get("from")), path)
            case _:
                self._test(path, operation.get("value"))

    def _container(self, path: list[str]) -> Any:
        """What holds the last element of a path."""
        here = self.document
        for element in path[:-1]:
            here = _child(here, element)
            if here is MISSING:
                raise Unprocessable(_REJECTED)
        return here

    def _add(self, path: list[str], value: Any) -> None:
        holder, last = self._container(path), path[-1]
        if isinstance(holder, dict):
            holder[last] = value
        elif isinstance(holder, list):
            holder.insert(len(holder) if last == "-" else _index(last, len(holder) + 1), value)
        else:
            raise Unprocessable(_REJECTED)

    def _remove(self, path: list[str]) -> Any:
        holder, last = self._container(path), path[-1]
        if isinstance(holder, dict) and last in holder:
            return holder.pop(last)
        if isinstance(holder, list):
            return holder.pop(_index(last, len(holder)))
        raise Unprocessable(_REJECTED)

    def _replace(self, path: list[str], value: Any) -> None:
        """Unlike the RFC, a missing key of a map is added."""
        holder, last = self._container(path), path[-1]
        if isinstance(holder, dict):
            holder[last] = value
        elif isinstance(holder, list):
            holder[_index(last, len(holder))] = value
        else:
            raise Unprocessable(_REJECTED)

    def _copy(self, source: list[str], path: list[str]) -> None:
        value = _child(self._container(source), source[-1])
        if value is MISSING:
            raise Unprocessable(_REJECTED)
        text = orjson.dumps(value)
        self.copied += len(text)
        if self.copied > MAX_COPIED:
            raise TooLarge(
                f"Unable to complete the copy, the accumulated size increase of copy is {self.copied}, "
                f"exceeding the limit {MAX_COPIED}"
            )
        self._add(path, orjson.loads(text))

    def _test(self, path: list[str], wanted: Any) -> None:
        """A missing value passes a test for null."""
        found = _child(self._container(path), path[-1])
        if not same(None if found is MISSING else found, wanted):
            raise Unprocessable(_REJECTED)


def _pointer(path: Any) -> list[str]:
    if not isinstance(path, str) or not path.startswith("/"):
        raise Unprocessable(_REJECTED)
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _child(holder: Any, element: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(element, MISSING)
    if isinstance(holder, list):
        return holder[_index(element, len(holder))]
    return MISSING


def _index(element: str, length: int) -> int:
    """The index of a list; negative ones count from the end."""
    try:
        index = int(element)
    except ValueError:
        raise Unprocessable(_REJECTED) from None
    if not -length <= index < length:
        raise Unprocessable(_REJECTED)
    return index if index >= 0 else index + length
