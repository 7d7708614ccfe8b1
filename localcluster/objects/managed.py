"""Field management: who owns what after a write, and server-side apply.

The layers of the genuine server's field manager, in one place: structured-merge-diff's update and
apply, metadata
that nobody owns, the fields that a resource resets, update managers merged per operation and version, the
cap on their number, objects that were written before anybody applied, and kubectl's last-applied
annotation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from localcluster.objects import fieldset, owners
from localcluster.objects.conflict import ApplyConflict, ManagerId
from localcluster.objects.errors import BadRequest, InternalError
from localcluster.objects.fieldset import FieldSet
from localcluster.objects.merge import Comparison, compare, merge, remove_items, with_named_fields
from localcluster.objects.owners import Owned, Owners
from localcluster.objects.schema import Schema
from localcluster.objects.typed import NotTyped, check, same, to_field_set
from localcluster.objects.zero import zero_object

Json = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LAST_APPLIED_LIMIT = 262144
_BEFORE_FIRST_APPLY = "before-first-apply"
_CURRENT = ManagerId("current-operation", "Update")

# Nobody owns what identifies the object or what the server alone writes.
_SERVER_FIELDS = fieldset.of_paths(
    ("apiVersion",),
    ("kind",),
    ("metadata",),
    *(
        ("metadata", name)
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, in which version, through which subresource ("" for the object itself)."""

    manager: str
    api_version: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of an apply.

    `obj` has neither managedFields nor defaults yet; `managed` are the entries to put into it.
    `changed` is False
    if the object (managedFields apart) is the live one.
    """

    obj: Json
    managed: list[Json]
    changed: bool


def default_manager(user_agent: str) -> str:
    """The manager of a write that names none: the user agent up to its first slash, at most 128 bytes."""
    prefix = user_agent.partition("/")[0]
    return prefix.encode()[:128].decode(errors="ignore")


def after_update(
    live: Json | None, new: Json, schema: Schema, *, writer: Writer, now: str, reset: FieldSet | None = None
) -> list[Json] | None:
    """ManagedFields after a create, PUT or non-apply PATCH made `new` out of `live` (None: created).

    `new` is the complete object as decoded and defaulted; its own managedFields count if it carries
    any. `reset`
    holds the fields that the strategy resets for this (sub)resource. None if nothing is tracked. Never
    fails:
    where values can't be compared the entries stay as they are, as in the genuine server.
    """
    known = _decode_for_update(live, new, writer)
    if not known and live is not None and live.get("metadata", {}).get("uid"):
        return None
    before = _bare(live) if live is not None else zero_object(schema)
    try:
        difference = _without(compare(before, _bare(new), schema), reset or {})
    except NotTyped:
        return owners.encode(known) or None
    updated = _update(difference, schema, known, writer.api_version)
    who = ManagerId(writer.manager, "Update", writer.api_version, writer.subresource)
    return owners.encode(owners.cap_updaters(_credit(updated, who, now))) or None


def _decode_for_update(live: Json | None, new: Json, writer: Writer) -> Owners:
    """The entries that the request carries, or the live ones where it carries none that can be read."""
    live_entries = live.get("metadata", {}).get("managedFields") if live is not None else None
    sent = new.get("metadata", {}).get("managedFields")
    if writer.subresource and live is not None:
        return owners.decode(live_entries) or {}
    if owners.is_reset(sent):
        return {}
    return owners.decode(sent) or owners.decode(live_entries) or {}


def _bare(obj: Json) -> Json:
    """The object without managedFields."""
    meta = obj.get("metadata")
    if not isinstance(meta, dict) or "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}


def _update(difference: Comparison, schema: Schema, known: Owners, version: str) -> Owners:
    """Takes changed and removed fields from everybody and gives changed and new ones to `_CURRENT`."""
    found = _take_away(owners.reconcile_schema(known, schema), difference, keep=_CURRENT)
    taken = fieldset.union(difference.modified, difference.added)
    taken = fieldset.difference(taken, _SERVER_FIELDS)
    if taken:
        found[_CURRENT] = Owned(taken, version, None)
    return found


def _without(difference: Comparison, reset: FieldSet) -> Comparison:
    if not reset:
        return difference
    return Comparison(
        fieldset.recursive_difference(difference.removed, reset),
        fieldset.recursive_difference(difference.modified, reset),
        fieldset.recursive_difference(difference.added, reset),
    )


def _take_away(known: Owners, difference: Comparison, *, keep: ManagerId) -> Owners:
    gone = fieldset.union(fieldset.union(difference.modified, difference.added), difference.removed)
    found: Owners = {}
    for who, owned in known.items():
        fields = owned.fields if who == keep else fieldset.difference(owned.fields, gone)
        if fields:
            found[who] = owned if fields is owned.fields else replace(owned, fields=fields)
    return found


def _credit(updated: Owners, who: ManagerId, now: str) -> Owners:
    """Books what the current operation took under its manager, widening the entry it may have."""
    taken = updated.pop(_CURRENT, None)
    if taken is not None:
        previous = updated.get(who)
        fields = taken.fields if previous is None else fieldset.union(taken.fields, previous.fields)
        updated[who] = Owned(fields, who.api_version, now)
    return updated


def apply(
    live: Json | None,
    applied: Json,
    schema: Schema,
    *,
    writer: Writer,
    now: str,
    force: bool = False,
    reset: FieldSet | None = None,
) -> Applied:
    """Server-side apply of `applied` (as the client sent it) to `live` (None: it does not exist yet).

    ApplyConflict where others own a field with another value and `force` is not set; BadRequest for a
    body that
    is no apply configuration of this kind; InternalError where it does not fit the schema.
    """
    _check_body(applied, writer)
    known = owners.decode(live.get("metadata", {}).get("managedFields")) if live is not None else {}
    if known is None:
        raise InternalError("failed to decode managed fields")
    current = _bare(live) if live is not None else zero_object(schema)
    if not known and live is not None:
        known = _unknown_past(current, schema, writer, now)
    call = _Call(current, applied, schema, writer, reset or {})
    merged, managers = _apply_as_kubectl(call, known, force=force)
    who = ManagerId(writer.manager, "Apply", "", writer.subresource)
    changed = live is None or not same(merged, current)
    if changed and who in managers:
        managers[who] = replace(managers[who], time=now)
    if writer.manager == "kubectl":
        merged = _renew_last_applied(merged, applied)
    return Applied(merged, owners.encode(managers), changed)


def _unknown_past(current: Json, schema: Schema, writer: Writer, now: str) -> Owners:
    """Whoever wrote the object before anybody applied owns what is in it."""
    updated = _update(compare(zero_object(schema), current, schema), schema, {}, writer.api_version)
    return _credit(updated, ManagerId(_BEFORE_FIRST_APPLY, "Update", writer.api_version), now)


def _check_body(applied: Json, writer: Writer) -> None:
    version = applied.get("apiVersion", "")
    if version != writer.api_version:
        raise BadRequest(
            f"Incorrect version specified in apply patch. "
            f"Specified patch version: {version}, expected: {writer.api_version}"
        )
    meta = applied.get("metadata")
    if isinstance(meta, dict) and meta.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")


@dataclass(frozen=True, slots=True)
class _Call:
    live: Json
    applied: Json
    schema: Schema
    writer: Writer
    reset: FieldSet


def _apply_as_kubectl(call: _Call, known: Owners, *, force: bool) -> tuple[Json, Owners]:
    """Applies; kubectl may take what it had applied client-side before without force."""
    try:
        return _apply(call, known, force=force)
    except ApplyConflict as conflict:
        allowed = _client_side_applied(call) if call.writer.manager == "kubectl" else {}
        rest = {
            who: left for who, own in conflict.fields.items() if (left := fieldset.difference(own, allowed))
        }
        if rest:
            raise ApplyConflict(rest) from None
        return _apply(call, known, force=True)


def _apply(call: _Call, known: Owners, *, force: bool) -> tuple[Json, Owners]:
    schema = call.schema
    try:
        check(call.applied, schema)
    except NotTyped as error:
        raise InternalError(
            f"failed to create typed patch object ({_named(call.applied)}): {error}"
        ) from error
    known = owners.reconcile_schema(known, schema)
    try:
        merged = merge(call.live, call.applied, schema)
        who = ManagerId(call.writer.manager, "Apply", "", call.writer.subresource)
        last = known.get(who)
        fields = fieldset.recursive_difference(to_field_set(call.applied, schema), call.reset)
        managers = dict(known)
        managers[who] = Owned(fields, call.writer.api_version, last.time if last is not None else None)
        # Where all that was applied last time is applied again there is nothing to prune.
        if last is not None and last.fields != fields and fieldset.difference(last.fields, fields):
            merged = _prune(merged, managers, last.fields, schema)
        difference = _without(compare(call.live, merged, schema), call.reset)
    except NotTyped as error:
        raise InternalError(f"failed to merge config: {error}") from error
    if not force:
        _refuse_conflicts(managers, difference, who)
    managers = _take_away(managers, difference, keep=who)
    return merged, _strip(managers, who)


def _strip(managers: Owners, who: ManagerId) -> Owners:
    own = managers.get(who)
    if own is not None:
        fields = fieldset.difference(own.fields, _SERVER_FIELDS)
        del managers[who]
        if fields:
            managers[who] = replace(own, fields=fields)
    return managers


def _refuse_conflicts(managers: Owners, difference: Comparison, who: ManagerId) -> None:
    changed = fieldset.union(difference.modified, difference.added)
    found = {
        other: conflict
        for other, owned in managers.items()
        if other != who and (conflict := fieldset.intersection(owned.fields, changed))
    }
    if found:
        raise ApplyConflict(found)


def _prune(merged: Json, managers: Owners, last: FieldSet, schema: Schema) -> Json:
    """Removes what was applied last time, is not this time, and nobody else owns."""
    if not last:
        return merged
    last = with_named_fields(last, schema)
    pruned = remove_items(merged, last, schema) or {}
    if pruned == merged:
        return merged
    owned: FieldSet = {}
    for one in managers.values():
        owned = fieldset.union(owned, one.fields)
    everything = with_named_fields(to_field_set(merged, schema), schema)
    left = with_named_fields(to_field_set(pruned, schema), schema)
    keep = fieldset.union(left, with_named_fields(owned, schema))
    restored = remove_items(merged, fieldset.difference(everything, keep), schema) or {}
    left = with_named_fields(to_field_set(restored, schema), schema)
    gone = fieldset.intersection(fieldset.difference(everything, left), last)
    result: Json = remove_items(merged, gone, schema) or {}
    return result


def _named(obj: Json) -> str:
    """`namespace/name; group/version, Kind=kind`, as errors name an object."""
    found = obj.get("metadata")
    meta = found if isinstance(found, dict) else {}
    version = obj.get("apiVersion", "")
    version = version if "/" in version else f"/{version}"
    return f"{meta.get('namespace', '')}/{meta.get('name', '')}; {version}, Kind={obj.get('kind', '')}"


def _client_side_applied(call: _Call) -> FieldSet:
    """The fields that client-side apply wrote and that still have the value it wrote."""
    text = (call.live.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return {}
    try:
        last = orjson.loads(text)
        if not isinstance(last, dict) or last.get("apiVersion") != call.writer.api_version:
            return {}
        check(last, call.schema)
        difference = compare(last, call.live, call.schema)
        fields = to_field_set(last, call.schema)
    except (orjson.JSONDecodeError, NotTyped):
        return {}
    for changed in (difference.modified, difference.added, difference.removed):
        fields = fieldset.difference(fields, changed)
    return fields


def _renew_last_applied(merged: Json, applied: Json) -> Json:
    """Keeps kubectl's annotation in step with what was applied, so that client-side apply can go on."""
    meta = merged.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    if LAST_APPLIED not in annotations:
        return merged
    config = orjson.loads(orjson.dumps(applied))
    own = config.get("metadata", {}).get("annotations")
    if own is not None:
        own.pop(LAST_APPLIED, None)
    text = orjson.dumps(config, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    renewed = {**annotations, LAST_APPLIED: text}
    if sum(len(key) + len(value) for key, value in renewed.items()) > _LAST_APPLIED_LIMIT:
        del renewed[LAST_APPLIED]
    return {**merged, "metadata": {**meta, "annotations": renewed}}


def settle_times(live: Json, new: Json) -> Json:
    """`new`, or with the live managedFields if nothing but the times in them differs from `live`."""
    before = live.get("metadata", {}).get("managedFields")
    after = new.get("metadata", {}).get("managedFields")
    if before == after or not before or not after or len(before) != len(after):
        return new
    if any(
        {**one, "time": None} != {**other, "time": None} for one, other in zip(before, after, strict=True)
    ):
        return new
    if not same(_bare(live), _bare(new)):
        return new
    return {**new, "metadata": {**new["metadata"], "managedFields": before}}
