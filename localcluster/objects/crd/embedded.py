"""Objects within objects (x-kubernetes-embedded-resource): what makes them objects."""

from __future__ import annotations

from typing import Any

from localcluster.objects import forms
from localcluster.objects.causes import Cause, invalid, required
from localcluster.objects.decode import NotDecodable, check_fields
from localcluster.objects.schema import object_meta
from localcluster.objects.validation.meta import check_meta

Json = dict[str, Any]


def check_embedded(value: Any, schema: Json, path: str = "") -> list[Cause]:
    """The causes at and below a value: each embedded object has a version, a kind and sound metadata."""
    causes: list[Cause] = []
    if isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            for at, item in enumerate(value):
                causes += check_embedded(item, items, f"{path}[{at}]")
    elif isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            causes += _object(value, path)
        properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        for name, below in value.items():
            inner = properties.get(name)
            if inner is not None:
                causes += check_embedded(below, inner, f"{path}.{name}" if path else name)
            elif isinstance(extra, dict):
                causes += check_embedded(below, extra, f"{path}[{name}]")
    return causes


def _object(value: Json, path: str) -> list[Cause]:
    causes = [required(f"{path}.{name}") for name in ("apiVersion", "kind") if name not in value]
    for name in ("apiVersion", "kind"):
        text = value.get(name, "-")
        if not isinstance(text, str):
            causes.append(invalid(f"{path}.{name}", text, "must be a string"))
        elif not text:
            causes.append(invalid(f"{path}.{name}", text, "must not be empty"))
        elif name == "kind" and name in value and (wrong := forms.dns_label(text.lower())):
            detail = "may have mixed case, but should otherwise match: " + ",".join(wrong)
            causes.append(invalid(f"{path}.kind", text, detail))
    return causes + _metadata(value.get("metadata"), f"{path}.metadata")


def _metadata(meta: Any, path: str) -> list[Cause]:
    if meta is None:
        return []
    try:
        decoded = check_fields(meta, object_meta()).obj
    except NotDecodable as error:
        return [invalid(path, meta, error.detail)]
    found = check_meta({"name": "fakename", **decoded}, forms.path_segment, finalizer_index=False)
    return [Cause(one.reason, one.message, path + one.field.removeprefix("metadata")) for one in found]
