"""patch: JSON, merge and strategic patches of what is there, and server-side apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from localcluster import rules
from localcluster.admission.gate import Admission
from localcluster.http.decoding import read_object
from localcluster.http.options import WriteOptions
from localcluster.objects.patch import json_patch, merge_patch
from localcluster.objects.strategic import strategic_merge
from localcluster.resources.resource import Resource
from localcluster.status import MODIFIED, Refusal, bad_request, conflict, not_found, unsupported_body
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


def require_supported(resource: Resource, media_type: str) -> None:
    """Raise 415 for a media type that is no patch of this kind."""
    if resource.custom is not None:
        if media_type not in (JSON, MERGE, APPLY):
            raise unsupported_body(f"{JSON}, {MERGE}, {APPLY}")
    elif media_type not in (JSON, MERGE, STRATEGIC, APPLY):
        raise Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


async def patch(
    store: Store, admission: Admission, call: Call, sent: Patch, options: WriteOptions
) -> tuple[Obj, bool]:
    """Change the object as the patch says; returns it and whether it was created."""
    if sent.media_type == APPLY:
        return await _apply(store, admission, call, sent, options)

    def edit(obj: Obj) -> Obj:
        return edited(call.resource, obj, sent.media_type, sent.body, options, call.warnings)

    return await change(store, admission, call, edit, options), False


def edited(  # noqa: PLR0917 the parts of one patch, in the order of its life
    resource: Resource, obj: Obj, media_type: str, body: bytes, options: WriteOptions, warnings: list[str]
) -> Obj:
    """What a JSON, merge or strategic patch makes of an object, decoded and defaulted."""
    document = _json(body)
    with rules.refusing():
        result = _patched(resource, obj, media_type, document)
    return rules.decode_patched(resource, result, body, options.validation, warnings)


def _patched(resource: Resource, obj: Obj, media_type: str, document: Any) -> Obj:
    if media_type == JSON:
        result = json_patch(obj, document)
    elif media_type == MERGE:
        result = merge_patch(obj, document)
    else:
        result = strategic_merge(obj, document, rules.schema_of(resource))
    if not isinstance(result, dict) or not isinstance(result.get("metadata"), dict):
        raise bad_request("the patch leaves no object")
    return result


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"error decoding patch: {error}") from error


def _read_applied(body: bytes) -> tuple[Obj, tuple[str, ...]]:
    """An apply is YAML; most clients send the JSON that is YAML too, and that reads much faster."""
    if body.startswith(b"{"):
        try:
            applied, duplicates = read_object(body, "application/json")
        except Refusal:
            return read_object(body, "application/yaml")
        if not duplicates:
            return applied, duplicates
    return read_object(body, "application/yaml")


async def _apply(
    store: Store, admission: Admission, call: Call, sent: Patch, options: WriteOptions
) -> tuple[Obj, bool]:
    resource = call.resource
    applied, duplicates = _read_applied(sent.body)
    version, kind = applied.get("apiVersion") or "", applied.get("kind") or ""
    if (version, kind) != (resource.api_version, resource.kind):
        group_version = version if "/" in version else f"/{version}"
        raise bad_request(f"invalid object type: {group_version}, Kind={kind}")
    live = store.find(resource.collection, call.key)
    old = None if live is None else rules.from_storage(resource, live.load())
    obj = rules.apply(resource, old, applied, options.manager, call.subresource, force=options.force)
    obj.setdefault("metadata", {})
    require_name_matches(call, obj)
    entries = obj["metadata"].pop("managedFields", None)
    obj = rules.decode(resource, obj, duplicates, options.validation, call.warnings)
    rules.set_managed(obj, entries)
    if live is None or old is None:
        if call.subresource:
            raise not_found(resource.plural, resource.group, call.name)
        sent.require_may_create()
        obj["metadata"].pop("resourceVersion", None)
        return await insert(store, admission, call, obj, options), True
    if read_version(obj) not in (0, live.version):
        raise conflict(resource.plural, resource.group, call.name, MODIFIED)
    return await replace(store, admission, call, (live, old), obj, options), False
