"""Fields that Helm's command line, or an apply of the other kind, has written become ours.

Server-side apply removes only what its own manager owns: without this, what a chart drops would stay
for ever in a release that was made by `helm install`, or before server-side apply was switched on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.logic.managed_fields import union
from shared.model.meta import Object

_HELM = "helm"


def take_over(live: Mapping[str, Any], manager: str) -> list[Object]:
    """The JSON patch that hands Helm's entries to `manager`; empty when there are none.

    It fails with Conflict rather than undo somebody's write.
    """
    metadata = live["metadata"]
    before: Sequence[Object] = metadata.get("managedFields") or []
    foreign = [entry for entry in before if _is_helms(entry, manager)]
    if not foreign:
        return []
    ours = next((entry for entry in before if _is_ours(entry, manager)), None)
    taken = dict(ours or {**foreign[0], "manager": manager, "operation": "Apply"})
    for entry in foreign:
        taken["fieldsV1"] = union(taken.get("fieldsV1") or {}, entry.get("fieldsV1") or {})
    rest = [entry for entry in before if entry is not ours and entry not in foreign]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [taken, *rest]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]


def _is_ours(entry: Mapping[str, Any], manager: str) -> bool:
    return (
        entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    )


def _is_helms(entry: Mapping[str, Any], manager: str) -> bool:
    if entry.get("subresource"):
        return False
    return entry.get("manager") == _HELM or (
        entry.get("manager") == manager and entry.get("operation") == "Update"
    )
