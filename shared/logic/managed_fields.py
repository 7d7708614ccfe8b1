"""Take over fields that were written by kubectl or an older manager (specs/kustomize.md 8.3 step 6).

Server-side apply removes only fields that its own manager owns. So that a field which somebody set
with kubectl, and which is not in git, goes away, that manager's entry is folded into ours first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.logic.owner import GROUP, metadata_map
from shared.model.meta import Object

_STALE_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    f"{GROUP}/checksum",
    "fluxcd.io/sync-checksum",
)
_STALE_LABELS = ("fluxcd.io/sync-gc-mark",)
_BEFORE_FIRST_APPLY = "before-first-apply"
_KUBECTL = "kubectl"


def cleanup_patch(live: Mapping[str, Any], manager: str, override: Iterable[str] = ()) -> list[Object]:
    """The JSON patch that hands foreign entries to `manager`; empty when there is nothing to clean.

    `override` are further manager names, of --override-manager. The patch carries the object's
    resourceVersion, so that it fails with Conflict rather than undo somebody's write.
    """
    operations: list[Object] = [
        {"op": "remove", "path": f"/metadata/{field}/{_escape(key)}"}
        for field, keys in (("annotations", _STALE_ANNOTATIONS), ("labels", _STALE_LABELS))
        for key in keys
        if key in metadata_map(live, field)
    ]
    before: Sequence[Object] = live["metadata"].get("managedFields") or []
    after = _take_over(before, manager, frozenset(override))
    if after != before:
        operations.append({"op": "replace", "path": "/metadata/managedFields", "value": after})
    version = live["metadata"].get("resourceVersion")
    if operations and version:
        operations.append({"op": "replace", "path": "/metadata/resourceVersion", "value": version})
    return operations


def migration_patch(live: Mapping[str, Any], api_version: str) -> list[Object]:
    """The JSON patch that brings every entry to `api_version`; empty when all have it.

    An entry in a version that is no longer served makes every apply fail (feature gate
    MigrateAPIVersion, specs/kustomize.md 8.3 step 4).
    """
    before: Sequence[Object] = live["metadata"].get("managedFields") or []
    after = [{**entry, "apiVersion": api_version} for entry in before]
    return _replaced(live, after) if after != before else []


def _replaced(live: Mapping[str, Any], entries: Sequence[Object]) -> list[Object]:
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": list(entries)},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]


def _take_over(entries: Sequence[Object], manager: str, override: frozenset[str]) -> list[Object]:
    ours = next((entry for entry in entries if _is_ours(entry, manager)), None)
    kept: list[Object] = []
    taken: Object | None = dict(ours) if ours else None
    place: int | None = None
    for entry in entries:
        if entry is ours:
            place = len(kept)
        elif _is_foreign(entry, manager, override):
            if taken is None:
                taken, place = {**entry, "manager": manager, "operation": "Apply"}, len(kept)
            else:
                taken["fieldsV1"] = union(taken.get("fieldsV1") or {}, entry.get("fieldsV1") or {})
        else:
            kept.append(entry)
    if taken is not None and place is not None:
        kept.insert(place, taken)
    return kept


def _is_ours(entry: Mapping[str, Any], manager: str) -> bool:
    return (
        entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    )


def _is_foreign(entry: Mapping[str, Any], manager: str, override: frozenset[str]) -> bool:
    if entry.get("subresource"):
        return False
    name, updates = str(entry.get("manager", "")), entry.get("operation") == "Update"
    if name.startswith(_KUBECTL) or name in override:
        return True
    return updates and name in (_BEFORE_FIRST_APPLY, manager)


def union(one: Mapping[str, Any], other: Mapping[str, Any]) -> Object:
    """The union of two fieldsV1 sets. Iterative, since what a live object holds is not ours to trust."""
    result: Object = dict(one)
    pending: list[tuple[Object, Mapping[str, Any]]] = [(result, other)]
    while pending:
        target, extra = pending.pop()
        for key, value in extra.items():
            if key not in target:
                target[key] = value
            elif target[key] != value:
                target[key] = dict(target[key])
                pending.append((target[key], value))
    return result


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
