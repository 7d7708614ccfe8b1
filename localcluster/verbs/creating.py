"""create: from a decoded object to a stored one."""

from __future__ import annotations

import secrets
import uuid

from localcluster import rules
from localcluster.admission.gate import Admission
from localcluster.admission.webhooks.write import CREATE, Write
from localcluster.clock import stamp
from localcluster.http.options import WriteOptions
from localcluster.status import already_exists, bad_request, broken
from localcluster.store.revision import Obj
from localcluster.store.store import Store
from localcluster.verbs.call import Call

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_SERVER_FIELDS = ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
_LONGEST_PREFIX = 63 - _SUFFIX_LENGTH


async def create(store: Store, admission: Admission, call: Call, obj: Obj, options: WriteOptions) -> Obj:
    """Store a new object (or, on a dry run, only say what it would be) and return it."""
    require_namespace_matches(call, obj)
    for given in _SERVER_FIELDS:
        obj["metadata"].pop(given, None)
    manager = options.manager or call.manager
    rules.track(call.resource, None, obj, manager, call.subresource)
    return await insert(store, admission, call, obj, options)


async def insert(store: Store, admission: Admission, call: Call, obj: Obj, options: WriteOptions) -> Obj:
    """The part of creating that a create and an apply of something new have in common."""
    seen = store.version
    admission.admit_create(call, obj)
    write = Write(call, CREATE, obj, None, options.as_object("CreateOptions"), options.dry_run)
    mutated = await admission.mutate(write)
    assert mutated is not None
    name = _completed(admission, call, mutated)
    await admission.judge(write.with_object(mutated))
    if store.version != seen:
        admission.recheck_create(call, mutated)
    admission.charge(call, mutated, None)
    return _stored(store, call.named(name), mutated, dry_run=options.dry_run)


def _completed(admission: Admission, call: Call, obj: Obj) -> str:
    """Give the object what the server gives, and its name; raises 422 where it is not valid then."""
    resource, metadata = call.resource, obj["metadata"]
    given_version = metadata.pop("resourceVersion", "")
    for given in _SERVER_FIELDS:
        metadata.pop(given, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = stamp()
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"][:_LONGEST_PREFIX] + _suffix()
    rules.prepare_create(resource, obj)
    admission.allocate(call, obj, None)
    causes = rules.validate_create(resource, obj)
    name: str = metadata.get("name", "")
    if causes:
        raise rules.refuse(resource, name, causes)
    if given_version not in ("", "0"):
        raise broken("resourceVersion should not be set on objects to be created")
    return name


def _stored(store: Store, call: Call, obj: Obj, *, dry_run: bool) -> Obj:
    resource, key = call.resource, call.key
    existing = store.find(resource.collection, key)
    if existing is not None:
        terminating = "deletionTimestamp" in existing.load()["metadata"]
        raise already_exists(resource.plural, resource.group, call.name, terminating=terminating)
    kept = rules.to_storage(resource, obj)
    if not dry_run:
        store.put(resource.collection, key, kept)
    return kept if rules.is_served_as_stored(resource) else rules.from_storage(resource, dict(kept))


def require_namespace_matches(call: Call, obj: Obj) -> None:
    """Fill in the namespace of the URL, or raise 400 where the object names another one."""
    metadata = obj["metadata"]
    if not call.resource.namespaced:
        metadata.pop("namespace", None)
        return
    given = metadata.get("namespace")
    if given and given != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    metadata["namespace"] = call.namespace


def _suffix() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX_LENGTH))
