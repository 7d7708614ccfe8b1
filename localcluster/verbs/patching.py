"""patch: JSON, merge and strategic patches of what is there, and server-side apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from localcluster import rules
from localcluster.admission import Admission
from localcluster.http.decoding import read_document
from localcluster.http.options import WriteOptions
from localcluster.status import MODIFIED, Refusal, bad_request, conflict
from localcluster.store.revision import Obj
from localcluster.store.store import Store
from localcluster.verbs.call import Call
from localcluster.verbs.creating import insert
from localcluster.verbs.updating import change, read_version, replace, require_name_matches

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as it was sent; `require_may_create` raises 403 where an apply may not create."""

    media_type: str
    body: bytes
    require_may_create: Callable[[], None]


def patch(
    store: Store, admission: Admission, call: Call, sent: Patch, options: WriteOptions
) -> tuple[Obj, bool]:
    """Change the object as the patch says; returns it and whether it was created."""
    if sent.media_type == APPLY:
        return _apply(store, admission, call, sent, options)
    if sent.media_type == MERGE:
        document = _json(sent.body)
        edit: Callable[[Obj], Obj] = lambda obj: _merged(obj, document)  # noqa: E731
        return change(store, admission, call, edit, options), False
    raise Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the patch cannot be read: {error}") from error


def _apply(
    store: Store, admission: Admission, call: Call, sent: Patch, options: WriteOptions
) -> tuple[Obj, bool]:
    resource = call.resource
    applied = read_document(sent.body, "application/yaml").value
    version, kind = applied.get("apiVersion") or "", applied.get("kind") or ""
    if (version, kind) != (resource.api_version, resource.kind):
        group_version = version if "/" in version else f"/{version}"
        raise bad_request(f"invalid object type: {group_version}, Kind={kind}")
    applied.setdefault("metadata", {})
    live = store.find(resource.collection, call.key)
    old = None if live is None else rules.from_storage(resource, live.load())
    obj = rules.apply(resource, old, applied, options.manager, call.subresource, force=options.force)
    require_name_matches(call, obj)
    obj = rules.decode(resource, obj, (), options.validation, call.warnings)
    if live is None or old is None:
        sent.require_may_create()
        obj["metadata"].pop("resourceVersion", None)
        return insert(store, admission, call, obj, dry_run=options.dry_run), True
    if read_version(obj) not in (0, live.version):
        raise conflict(resource.plural, resource.group, call.name, MODIFIED)
    return replace(store, admission, call, (live, old), obj, dry_run=options.dry_run), False


def _merged(target: Obj, document: Obj) -> Obj:
    if not isinstance(document, dict):
        raise bad_request("a merge patch is an object")
    for key, value in document.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merged(target[key], value)
        else:
            target[key] = value
    return target
