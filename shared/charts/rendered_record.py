"""The `chart` of a release record, as Helm writes it (specs/helm.md 20.1).

Only the outermost chart is recorded; `metadata` and `values` are as rendering left them, with imported values
and without disabled dependencies.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.charts.loading import ChartFile, ChartTree
from shared.charts.values_schema import SCHEMA_NAME
from shared.logic.go_yaml import YamlError

_ZERO_TIME = "0001-01-01T00:00:00Z"
_READ_BY_HELM = ("Chart.yaml", "Chart.lock", "values.yaml", SCHEMA_NAME)
_WHERE_GIVEN = ("version", "condition", "tags", "enabled", "import-values", "alias")
_OLD_DEPENDENCIES = ("requirements.yaml", "requirements.lock")


def chart_record(
    tree: ChartTree, metadata: dict[str, Any], values: Any, read: Callable[[str], Any]
) -> dict[str, Any]:
    """`tree` is the chart as it was given; `read` parses YAML for Chart.lock."""
    old = metadata.get("apiVersion", "") == "v1"
    templates = [file for file in tree.files if file.name.startswith("templates/")]
    others = [file for file in tree.files if _is_other(file.name, old=old)]
    schema = tree.find(SCHEMA_NAME)
    about = tree.find("Chart.yaml")
    record: dict[str, Any] = {
        "metadata": metadata,
        "lock": _lock(tree, read, old=old),
        "templates": [_file(file) for file in templates] or None,
        "values": values,
        "schema": None if schema is None else _base64(schema),
        "schemamodtime": _ZERO_TIME if schema is None else _time(schema.modified),
        "files": [_file(file) for file in others] or None,
    }
    if about is not None:
        record["modtime"] = _time(about.modified)
    return record


def _is_other(name: str, *, old: bool) -> bool:
    if name.startswith("charts/"):
        return name.endswith(".prov")
    if name in _OLD_DEPENDENCIES:
        return old
    return name not in _READ_BY_HELM and not name.startswith("templates/")


def _lock(tree: ChartTree, read: Callable[[str], Any], *, old: bool) -> dict[str, Any] | None:
    file = tree.find("Chart.lock") or (tree.find("requirements.lock") if old else None)
    if file is None:
        return None
    try:
        raw = read(file.data.decode("utf-8", "replace"))
    except YamlError:
        return None  # the engine has refused the chart before
    if not isinstance(raw, dict):
        return None
    return {
        "generated": raw.get("generated") or _ZERO_TIME,
        "digest": raw.get("digest") or "",
        "dependencies": [_dependency(item) for item in raw.get("dependencies") or ()],
    }


def _dependency(item: dict[str, Any] | None) -> dict[str, Any] | None:
    if item is None:
        return None
    always = {key: item.get(key) or "" for key in ("name", "repository")}
    return always | {key: item[key] for key in _WHERE_GIVEN if item.get(key)}


def _file(file: ChartFile) -> dict[str, Any]:
    return {"name": file.name, "data": _base64(file), "modtime": _time(file.modified)}


def _base64(file: ChartFile) -> str:
    return base64.b64encode(file.data).decode()


def _time(seconds: float) -> str:
    """RFC 3339 as Go writes it: no fraction where there is none."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return _ZERO_TIME
    text = moment.replace(microsecond=0, tzinfo=None).isoformat()
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{text}{fraction}Z"
