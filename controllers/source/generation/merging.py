"""Lay the YAML of one file over that of another (spec source 13.4, strategy Merge): pure."""

from typing import Any

from controllers.source.generation.paths import CopyRefused
from shared.charts.values import merge
from shared.logic.go_yaml import Limits, YamlError, read_documents, write

_LIMITS = Limits(size_bytes=16 * 2**20)


def merged_yaml(below: bytes, above: bytes, name: str) -> bytes:
    """All documents of both files as one map: maps are merged, all else is replaced. Raises CopyRefused."""
    return write(merge(_flattened(below, name), _flattened(above, name))).encode()


def _flattened(content: bytes, name: str) -> dict[str, Any]:
    try:
        documents = read_documents(content, limits=_LIMITS)
    except YamlError as error:
        raise CopyRefused(f"'{name}' cannot be merged: {error}") from error
    whole: dict[str, Any] = {}
    for document in documents:
        if document.value is None:
            continue
        if not isinstance(document.value, dict):
            raise CopyRefused(f"'{name}' cannot be merged: line {document.line}: the document is not a map")
        whole = merge(whole, document.value)
    return whole
