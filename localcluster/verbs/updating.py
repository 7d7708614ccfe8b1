"""update: replacing an object by another version of it, under optimistic locking."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from localcluster import rules
from localcluster.admission.gate import Admission
from localcluster.admission.webhooks.write import UPDATE, Write
from localcluster.http.options import WriteOptions
from localcluster.resources.resource import Resource
from localcluster.status import (
    MODIFIED,
    FieldError,
    Refusal,
    bad_request,
    broken,
    conflict,
    invalid,
    not_found,
)
from localcluster.store.revision import Obj, Revision
from localcluster.store.store import Store
from localcluster.verbs.call import Call
from localcluster.verbs.creating import create, require_namespace_matches
from localcluster.verbs.settling import Moved

_MUST_NAME_VERSION = frozenset(
    {
        "Namespace",
        "Node",
        "Lease",
        "CustomResourceDefinition",
        "APIService",
        "EndpointSlice",
        "PodDisruptionBudget",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "CSINode",
        "VolumeAttachment",
    }
)
_MAY_BE_CREATED = frozenset(
    {
        "Lease",
        "Endpoints",
        "EndpointSlice",
        "Event",
        "LimitRange",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "Service",
    }
)


async def update(
    store: Store, admission: Admission, call: Call, obj: Obj, options: WriteOptions
) -> tuple[Obj, bool]:
    """Replace the object of the URL; returns it and whether it was created (few kinds allow that)."""
    require_name_matches(call, obj)
    resource = call.resource
    live = store.find(resource.collection, call.key)
    if live is None:
        if may_be_created(call):
            return await create(store, admission, call, obj, options), True
        raise not_found(resource.plural, resource.group, call.name)
    _require_same_uid(call, obj, live)
    _require_version(call, obj, live)
    old = rules.from_storage(resource, live.load())
    rules.track(resource, old, obj, options.manager or call.manager, call.subresource)
    return await replace(store, admission, call, (live, old), obj, options), False


def may_be_created(call: Call) -> bool:
    """Whether an update of what is not there creates it."""
    resource = call.resource
    return resource.kind in _MAY_BE_CREATED and not call.subresource and resource.custom is None


async def replace(  # noqa: PLR0917 what updates, patches and applies have in common is much
    store: Store,
    admission: Admission,
    call: Call,
    present: tuple[Revision, Obj],
    obj: Obj,
    options: WriteOptions,
) -> Obj:
    """The part of changing an object that updates, patches and applies have in common.

    `present` is the live revision and its object in the version of the request. Raises Moved where it is
    not live any more after webhooks were asked.
    """
    live, old = present
    admission.admit_update(call, obj, old)
    write = Write(call, UPDATE, obj, old, options.as_object("UpdateOptions"), options.dry_run)
    mutated = await admission.mutate(write)
    assert mutated is not None
    obj = mutated
    _complete(admission, call, obj, old)
    await admission.judge(write.with_object(obj))
    if store.find(call.resource.collection, live.key) is not live:
        raise Moved(call)
    admission.charge(call, obj, old)
    return _stored(store, call, present, obj, dry_run=options.dry_run)


def _complete(admission: Admission, call: Call, obj: Obj, old: Obj) -> None:
    """What only the server decides; raises 422 where the object is not valid then."""
    resource = call.resource
    keep_identity(obj, old)
    rules.prepare_update(resource, obj, old, call.subresource)
    causes = rules.validate_update(resource, obj, old, call.subresource)
    if causes:
        raise rules.refuse(resource, call.name, causes)
    admission.allocate(call, obj, old)
    obj["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]


def _stored(store: Store, call: Call, present: tuple[Revision, Obj], obj: Obj, *, dry_run: bool) -> Obj:
    live, old = present
    resource = call.resource
    if dry_run:
        return rules.to_storage(resource, obj) if rules.is_served_as_stored(resource) else obj
    if is_released(obj, old):
        store.delete(resource.collection, live.key)
        return obj
    obj = rules.settle(old, obj)
    if _same(obj, old):
        return old
    kept = rules.to_storage(resource, obj)
    store.put(resource.collection, live.key, kept)
    return kept if rules.is_served_as_stored(resource) else rules.from_storage(resource, dict(kept))


def keep_identity(obj: Obj, old: Obj) -> None:
    """What only the server sets is taken over where the client left it out or may not say."""
    metadata, before = obj["metadata"], old["metadata"]
    for name in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if name in before:
            metadata[name] = before[name]
        else:
            metadata.pop(name, None)
    metadata.setdefault("uid", before["uid"])
    metadata.pop("selfLink", None)


def is_released(obj: Obj, old: Obj) -> bool:
    """Whether the last finalizer of an object that is being deleted has gone."""
    metadata = obj["metadata"]
    return (
        "deletionTimestamp" in old["metadata"]
        and not metadata.get("finalizers")
        and not metadata.get("deletionGracePeriodSeconds")
        and not (obj.get("kind") == "Namespace" and (obj.get("spec") or {}).get("finalizers"))
    )


def _same(obj: Obj, old: Obj) -> bool:
    if obj == old:
        return True
    # Booleans equal numbers in Python but not in JSON; the bytes decide.
    option = orjson.OPT_SORT_KEYS
    return orjson.dumps(obj, option=option) == orjson.dumps(old, option=option)


def require_name_matches(call: Call, obj: Obj) -> None:
    """Raise 400 where the object names another object than the URL."""
    name = obj["metadata"].get("name")
    if not name:
        raise bad_request(
            f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided"
        )
    if name != call.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    require_namespace_matches(call, obj)


def _require_same_uid(call: Call, obj: Obj, live: Revision) -> None:
    uid = obj["metadata"].get("uid")
    if uid and uid != live.uid:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live.uid}"
        raise conflict(call.resource.plural, call.resource.group, call.name, why)


def _require_version(call: Call, obj: Obj, live: Revision) -> None:
    resource = call.resource
    given = read_version(obj)
    if given == 0:
        if must_name_version(resource):
            text = "Invalid value: 0: must be specified for an update"
            cause = FieldError("metadata.resourceVersion", "FieldValueInvalid", text)
            raise invalid(resource.plural, resource.group, call.name, [cause])
        return
    if given != live.version:
        raise conflict(resource.plural, resource.group, call.name, MODIFIED)


def must_name_version(resource: Resource) -> bool:
    """Whether an unconditional update is refused."""
    return resource.custom is not None or resource.kind in _MUST_NAME_VERSION


def read_version(obj: Obj) -> int:
    """The resourceVersion an object carries, 0 for none; raises a 500 Refusal for what is no number."""
    text = obj["metadata"].get("resourceVersion") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise broken(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


Change = Callable[[Obj], Obj]


async def change(store: Store, admission: Admission, call: Call, edit: Change, options: WriteOptions) -> Obj:
    """Read, edit, write: what a patch does. `edit` gets a copy in the version of the request."""
    resource = call.resource
    live = store.find(resource.collection, call.key)
    if live is None:
        raise not_found(resource.plural, resource.group, call.name)
    old = rules.from_storage(resource, live.load())
    obj = edit(rules.from_storage(resource, live.load()))
    require_name_matches(call, obj)
    if read_version(obj) not in (0, live.version):
        raise _stale(call)
    rules.track(resource, old, obj, options.manager or call.manager, call.subresource)
    return await replace(store, admission, call, (live, old), obj, options)


def _stale(call: Call) -> Refusal:
    return conflict(call.resource.plural, call.resource.group, call.name, MODIFIED)
