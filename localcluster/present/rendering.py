"""Objects as bytes in the forms that clients ask for; a change is rendered once for all its watchers."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Any

import orjson

from localcluster import rules
from localcluster.http.accept import Form
from localcluster.resources.resource import Resource
from localcluster.store.revision import Obj, Revision

_META_VERSION = "meta.k8s.io/v1"


View = tuple[Revision, int, Form, str]


class _Recent:
    """The last renderings: a change is told to all its watchers at once, so few are enough."""

    def __init__(self, size: int) -> None:
        self._size = size
        # The resource is kept so that its id stays its own.
        self._kept: OrderedDict[View, tuple[Resource, bytes]] = OrderedDict()

    def find(self, view: View) -> bytes | None:
        kept = self._kept.get(view)
        return None if kept is None else kept[1]

    def keep(self, view: View, resource: Resource, rendered: bytes) -> None:
        self._kept[view] = (resource, rendered)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)


_RECENT = _Recent(64)


def render(revision: Revision, resource: Resource, form: Form) -> bytes:
    """The JSON of an object in the version of `resource`: whole, or its metadata alone."""
    if form is Form.WHOLE and rules.is_served_as_stored(resource):
        return revision.raw
    view = (revision, id(resource), form, "")
    rendered = _RECENT.find(view)
    if rendered is None:
        obj = rules.from_storage(resource, revision.load())
        whole = {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
        rendered = orjson.dumps(whole if form is Form.WHOLE else partial(obj))
        _RECENT.keep(view, resource, rendered)
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
    """One line of a watch, made once for all who watch at this moment."""
    view = (revision, id(resource), form, event)
    frame = _RECENT.find(view)
    if frame is None:
        frame = b'{"type":"%s","object":%s}\n' % (event.encode(), render(revision, resource, form))
        _RECENT.keep(view, resource, frame)
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
