"""`metadata.managedFields` in memory: who owns which fields, read from and written to the object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localcluster.objects import fieldset
from localcluster.objects.conflict import ManagerId
from localcluster.objects.fieldset import BadFieldSet, FieldSet
from localcluster.objects.schema import Schema

Json = dict[str, Any]
MAX_UPDATERS = 10
_ANCIENT = "ancient-changes"


@dataclass(frozen=True, slots=True)
class Owned:
    """One manager's fields. `time` is RFC 3339 text, None where it was never set."""

    fields: FieldSet
    api_version: str
    time: str | None


Owners = dict[ManagerId, Owned]


def decode(entries: Any) -> Owners | None:
    """Reads managedFields; None if they can't be read (they are then taken from the live object)."""
    if not isinstance(entries, list):
        return {} if entries is None else None
    found: Owners = {}
    for entry in entries:
        if not isinstance(entry, dict):
            return None
        try:
            fields = fieldset.parse(entry.get("fieldsV1") or {})
        except BadFieldSet:
            return None
        operation, version = entry.get("operation", ""), entry.get("apiVersion", "")
        who = ManagerId(
            entry.get("manager", ""),
            operation,
            "" if operation == "Apply" else version,
            entry.get("subresource", ""),
        )
        found[who] = Owned(fields, version, entry.get("time"))
    return found


def is_reset(entries: Any) -> bool:
    """Whether the entries ask for ownership to be forgotten: a list of one empty entry."""
    return isinstance(entries, list) and len(entries) == 1 and not any((entries[0] or {}).values())


def encode(owners: Owners) -> list[Json]:
    """The entries, in the server's order: operation, time, manager, version, subresource."""
    ordered = sorted(
        owners.items(),
        key=lambda pair: (
            pair[0].operation,
            pair[1].time or "",
            pair[0].manager,
            pair[1].api_version,
            pair[0].subresource,
        ),
    )
    return [_entry(who, owned) for who, owned in ordered]


def _entry(who: ManagerId, owned: Owned) -> Json:
    entry: Json = {"manager": who.manager, "operation": who.operation, "apiVersion": owned.api_version}
    if owned.time is not None:
        entry["time"] = owned.time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = fieldset.ordered(owned.fields)
    if who.subresource:
        entry["subresource"] = who.subresource
    return entry


def cap_updaters(owners: Owners) -> Owners:
    """Merges the oldest update entries into one per version when there are more than ten."""
    updaters = sorted(
        (who for who in owners if who.operation != "Apply"), key=lambda who: (owners[who].time or "", who)
    )
    excess = len(updaters) - MAX_UPDATERS
    if excess <= 0:
        return owners
    capped = dict(owners)
    first: dict[str, ManagerId] = {}
    for who in updaters:
        if excess <= 0:
            break
        owned = capped[who]
        version = owned.api_version
        if version not in first:
            first[version] = who
            continue
        bucket = ManagerId(_ANCIENT, "Update", version)
        if bucket not in capped:
            capped[bucket] = capped.pop(first[version])
        merged = fieldset.union(capped[bucket].fields, owned.fields)
        if who != bucket:
            del capped[who]
        capped[bucket] = replace(owned, fields=merged)
        excess -= 1
    return capped


def reconcile_schema(owners: Owners, schema: Schema) -> Owners:
    """Owners of parts of what has become atomic since own the whole."""
    found: Owners = {}
    for who, owned in owners.items():
        fields = _collapse(owned.fields, schema)
        found[who] = owned if fields is owned.fields else replace(owned, fields=fields)
    return found


def _collapse(fields: FieldSet, schema: Schema) -> FieldSet:
    changed: FieldSet = {}
    for name, node in fields.items():
        if not node:
            continue
        below = schema.element if name[0] != "f" else schema.child(name[2:])
        if below is None or below.shape == "any" or name == ".":
            continue
        atomic = below.list_type == "atomic" if below.shape == "list" else below.atomic
        new = {} if atomic else _collapse(node, below)
        if new is not node:
            changed[name] = new
    return {**fields, **changed} if changed else fields
