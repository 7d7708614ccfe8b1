"""Merge values files into what replaces a chart's values.yaml: the later win (spec source 11.5)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.charts.values import merge
from shared.logic.go_yaml import Limits, YamlError, read_document

_YAML = Limits(size_bytes=8 * 1024 * 1024, depth=200)


class ValuesRefused(Exception):
    """A values file is missing, or is none."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The values, and the names of the files that were there."""

    values: dict[str, Any]
    files: tuple[str, ...]


def merge_files(names: Iterable[str], find: Callable[[str], Path | None], *, ignore_missing: bool) -> Merged:
    """`find` leads from a name of the spec to a file. Raises ValuesRefused."""
    values: dict[str, Any] = {}
    used: list[str] = []
    for name in names:
        file = find(name)
        if file is None or not file.is_file():
            if ignore_missing:
                continue
            raise ValuesRefused(f"no values file found at path '{name}'")
        values = merge(values, read_values(file, name))
        used.append(name)
    return Merged(values, tuple(used))


def read_values(file: Path, name: str) -> dict[str, Any]:
    """An empty file has no values. Raises ValuesRefused."""
    if file.stat().st_size > _YAML.size_bytes:
        raise ValuesRefused(f"values file '{name}' is larger than {_YAML.size_bytes} bytes")
    try:
        found = read_document(file.read_bytes(), limits=_YAML)
    except YamlError as error:
        raise ValuesRefused(f"reading values from '{name}' failed: {error}") from error
    if found is not None and not isinstance(found, dict):
        raise ValuesRefused(f"values file '{name}' is no mapping")
    return found or {}
