"""Laws that the status of any object of ours obeys, at the end of a pass (specs/runtime.md 2.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_REASON = re.compile(r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
NEGATIVE = {
    "Reconciling",
    "Stalled",
    "FetchFailed",
    "StorageOperationFailed",
    "ArtifactOutdated",
    "IncludeUnavailable",
}


def broken_laws(obj: Mapping[str, Any]) -> list[str]:
    """The laws that the object breaks, in words; none is the only good answer."""
    status = obj.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    true = {kind for kind, item in conditions.items() if item["status"] == "True"}
    generation, observed = obj["metadata"]["generation"], status.get("observedGeneration", -1)
    ready = "Ready" in true
    laws = {
        "FAIL0001: Ready beside a negative condition": ready and bool(true & NEGATIVE),
        "FAIL0002: Ready is missing": "Ready" not in conditions,
        "FAIL0003: Reconciling at the end of a pass while Ready": "Reconciling" in true and ready,
        "FAIL0004: Stalled while Ready": "Stalled" in true and ready,
        "FAIL0005: both Reconciling and Stalled": {"Reconciling", "Stalled"} <= conditions.keys(),
        "FAIL0006: observedGeneration is ahead": observed > generation,
        "FAIL0007: Ready for an older generation": ready and observed < generation,
        "FAIL0009: a condition is of another generation than the status": ready
        and any(item.get("observedGeneration") != observed for item in conditions.values()),
        "WARN0003: a negative condition is kept while False": any(
            item["status"] == "False" for kind, item in conditions.items() if kind in NEGATIVE
        ),
        "a reason is not CamelCase": any(not _REASON.match(item["reason"]) for item in conditions.values()),
    }
    return [law for law, broken in laws.items() if broken]
