"""Who owns the replicas, seen from an object and seen from its Scale.

A Scale has but one field that can be owned; the object remembers its owners under its own path and
version. Entries written through the Scale carry no time.
"""

from __future__ import annotations

from typing import Any

from localcluster.objects.fieldset import ordered

Obj = dict[str, Any]
Path = tuple[str, ...]
_REPLICAS: Obj = {"f:spec": {"f:replicas": {}}}


def _owns(fields: Any, path: Path) -> bool:
    for part in path:
        fields = fields.get(f"f:{part}") if isinstance(fields, dict) else None
    return fields is not None


def _without(fields: Obj, path: Path) -> Obj:
    """The field set without one path, and without what is left empty by that."""
    head, rest = f"f:{path[0]}", path[1:]
    if head not in fields:
        return fields
    below = _without(fields[head], rest) if rest else {}
    kept = {key: value for key, value in fields.items() if key != head}
    return {**kept, head: below} if below else kept


def _with(fields: Obj, path: Path) -> Obj:
    head, rest = f"f:{path[0]}", path[1:]
    below = fields.get(head, {})
    return ordered({**fields, head: _with(below, rest) if rest else below})


def scale_entries(obj: Obj, path: Path) -> list[Obj]:
    """ManagedFields as the Scale shows them to the field manager."""
    return [
        {**entry, "apiVersion": "autoscaling/v1", "fieldsV1": _REPLICAS}
        for entry in obj["metadata"].get("managedFields") or ()
        if _owns(entry.get("fieldsV1"), path)
    ]


def with_scale_entries(obj: Obj, path: Path, entries: list[Obj]) -> None:
    """Write into the object who owns its replicas now."""
    owners = {_who(entry) for entry in entries if _owns(entry.get("fieldsV1"), ("spec", "replicas"))}
    kept: list[Obj] = []
    for entry in obj["metadata"].get("managedFields") or ():
        fields = entry["fieldsV1"]
        if _owns(fields, path) and _who(entry) not in owners:
            fields = _without(fields, path)
        if _owns(fields, path):
            owners.discard(_who(entry))
        if fields:
            kept.append({**entry, "fieldsV1": fields})
    for manager, operation, subresource in sorted(owners):
        entry = next((each for each in kept if _who(each) == (manager, operation, subresource)), None)
        if entry is not None:
            entry["fieldsV1"] = _with(entry["fieldsV1"], path)
            continue
        added = {
            "manager": manager,
            "operation": operation,
            "apiVersion": obj["apiVersion"],
            "fieldsType": "FieldsV1",
            "fieldsV1": _with({}, path),
        }
        kept.append({**added, "subresource": subresource} if subresource else added)
    if kept:
        obj["metadata"]["managedFields"] = kept
    else:
        obj["metadata"].pop("managedFields", None)


def _who(entry: Obj) -> tuple[str, str, str]:
    return (entry.get("manager", ""), entry["operation"], entry.get("subresource", ""))
