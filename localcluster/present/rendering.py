"""Objects as bytes, rendered once per form and shared by everyone who asks for that form."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from localcluster import rules
from localcluster.http.accept import Form
from localcluster.resources.resource import Resource
from localcluster.store.revision import Obj, Revision

_META_VERSION = "meta.k8s.io/v1"


def render(revision: Revision, resource: Resource, form: Form) -> bytes:
    """The JSON of an object in the version of `resource`: whole, or its metadata alone."""
    if form is Form.WHOLE and rules.is_served_as_stored(resource):
        return revision.raw
    view = (id(resource), form)
    rendered: bytes | None = revision.remembered(view)
    if rendered is None:
        obj = rules.from_storage(resource, revision.load())
        whole = {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
        rendered = orjson.dumps(whole if form is Form.WHOLE else partial(obj))
        revision.remember(view, rendered)
    return rendered


def render_item(revision: Revision, resource: Resource, form: Form) -> bytes:
    """The same as an item of a list: there, built-in kinds leave out kind and apiVersion."""
    rendered = render(revision, resource, form)
    if resource.custom is not None or form is not Form.WHOLE:
        return rendered
    return b"{" + rendered.removeprefix(_type_prefix(resource.kind, resource.api_version))


@cache
def _type_prefix(kind: str, api_version: str) -> bytes:
    return orjson.dumps({"kind": kind, "apiVersion": api_version})[:-1] + b","


def partial(obj: Obj) -> Obj:
    """PartialObjectMetadata of an object."""
    return {"kind": "PartialObjectMetadata", "apiVersion": _META_VERSION, "metadata": obj["metadata"]}


def render_frame(revision: Revision, resource: Resource, form: Form, event: str) -> bytes:
    """One line of a watch, remembered with the object so that many watchers share it."""
    view = (id(resource), form, event)
    frame: bytes | None = revision.remembered(view)
    if frame is None:
        frame = b'{"type":"%s","object":%s}\n' % (event.encode(), render(revision, resource, form))
        revision.remember(view, frame)
    return frame


def bookmark_frame(resource: Resource, form: Form, version: int, *, ends_initial: bool = False) -> bytes:
    """A BOOKMARK: kind, apiVersion and resourceVersion alone."""
    kind, api_version = resource.kind, resource.api_version
    if form is not Form.WHOLE:
        kind, api_version = str(form), _META_VERSION
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if ends_initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    obj = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
    return orjson.dumps({"type": "BOOKMARK", "object": obj}) + b"\n"


def list_body(
    resource: Resource,
    form: Form,
    items: list[bytes],
    *,
    version: int,
    token: str = "",
    remaining: int | None = None,
) -> bytes:
    """A list as bytes, its items joined as they are."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if token or resource.custom is not None:
        metadata["continue"] = token
    if remaining is not None:
        metadata["remainingItemCount"] = remaining
    kind, api_version = resource.list_kind, resource.api_version
    if form is not Form.WHOLE:
        kind, api_version = "PartialObjectMetadataList", _META_VERSION
    head = orjson.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    return head[:-1] + b',"items":[' + b",".join(items) + b"]}"
