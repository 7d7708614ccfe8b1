"""Has a live object drifted from what we want? (specs/kustomize.md 8.3 step 7).

The dry-run result is the live object as it would be after our apply; where both are equal, nothing
needs to be written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from shared.logic.owner import metadata_map
from shared.model.meta import Object

_NOT_COMPARED = ("metadata", "status")


def has_drifted(live: Mapping[str, Any], dry_run: Mapping[str, Any]) -> bool:
    """Compares labels, annotations and everything but metadata and status."""
    return any(
        metadata_map(live, field) != metadata_map(dry_run, field) for field in ("labels", "annotations")
    ) or _canonical(_content(live)) != _canonical(_content(dry_run))


def fingerprint(obj: Mapping[str, Any], *more: object) -> bytes:
    """A short hash of an object, and of whatever else decides how it is applied."""
    return hashlib.blake2b(_canonical([obj, *more]), digest_size=16).digest()


def _canonical(value: object) -> bytes:
    # Not ==, to which true and 1 are the same.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _content(obj: Mapping[str, Any]) -> Object:
    content = {key: value for key, value in obj.items() if key not in _NOT_COMPARED}
    if content.get("kind") == "HorizontalPodAutoscaler":
        _drop_repeated_metrics(content)
    return content


def _drop_repeated_metrics(hpa: Object) -> None:
    """The server repeats a metric in the dry-run of an autoscaler that it had converted from v1."""
    spec = hpa.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("metrics"), list):
        return
    unique: list[Any] = []
    for metric in spec["metrics"]:
        if metric not in unique:
            unique.append(metric)
    hpa["spec"] = {**spec, "metrics": unique}
