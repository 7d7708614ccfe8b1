"""Events: kept as core v1, shown as events.k8s.io/v1 too. The same fields under other names."""

from __future__ import annotations

from localcluster.store.revision import Obj

_NEW_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_CORE_NAMES = {new: core for core, new in _NEW_NAMES.items()}


def to_core(event: Obj) -> Obj:
    """An events.k8s.io/v1 Event as core v1 keeps it."""
    return {_CORE_NAMES.get(key, key): value for key, value in event.items()} | {"apiVersion": "v1"}


def from_core(event: Obj) -> Obj:
    return {_NEW_NAMES.get(key, key): value for key, value in event.items()} | {
        "apiVersion": "events.k8s.io/v1"
    }
