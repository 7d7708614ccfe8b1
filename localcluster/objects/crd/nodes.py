"""From an OpenAPI v3 schema of a CRD to the `Schema` that merges and field sets follow."""

from __future__ import annotations

from typing import Any

from localcluster.objects.schema import Schema, object_meta, untyped

Json = dict[str, Any]


def node_of(source: Json) -> Schema:
    """The type of a value that a structural schema describes."""
    node = _shape(source)
    node.origin = source
    node.nullable = bool(source.get("nullable"))
    node.preserve_unknown = bool(source.get("x-kubernetes-preserve-unknown-fields"))
    node.atomic = source.get("x-kubernetes-map-type") == "atomic"
    node.default = source.get("default")
    node.embedded = bool(source.get("x-kubernetes-embedded-resource"))
    if node.embedded:
        _embed(node)
    return node


def root_of(source: Json) -> Schema:
    """The type of a whole custom resource: its schema, and what every object has."""
    node = node_of(source)
    if node.shape == "any":
        node = _struct({"properties": {}, "x-kubernetes-preserve-unknown-fields": True})
        node.origin, node.preserve_unknown = source, True
    _embed(node)
    return node


def _embed(node: Schema) -> None:
    node.fields = {
        **node.fields,
        "apiVersion": Schema("scalar", type="string"),
        "kind": Schema("scalar", type="string"),
        "metadata": object_meta(),
    }


def _shape(source: Json) -> Schema:
    if source.get("x-kubernetes-int-or-string"):
        return Schema("scalar", format="int-or-string")
    match source.get("type"):
        case "object":
            return _struct(source)
        case "array":
            return _list(source)
        case "string" | "integer" | "number" | "boolean" as name:
            return Schema("scalar", type=name, format=source.get("format", ""))
    node = Schema("any")
    node.element = untyped()
    return node


def _struct(source: Json) -> Schema:
    node = Schema("struct")
    node.fields = {name: node_of(below) for name, below in (source.get("properties") or {}).items()}
    node.required = frozenset(source.get("required") or ())
    extra = source.get("additionalProperties")
    if isinstance(extra, dict) and extra:
        node.element = node_of(extra)
    elif extra or source.get("x-kubernetes-preserve-unknown-fields"):
        node.element = untyped()
    return node


def _list(source: Json) -> Schema:
    node = Schema("list")
    items = source.get("items")
    node.element = node_of(items) if isinstance(items, dict) else untyped()
    node.list_type = source.get("x-kubernetes-list-type") or "atomic"
    if node.list_type == "map":
        node.keys = tuple(sorted(source.get("x-kubernetes-list-map-keys") or ()))
        fields = node.element.fields
        node.key_defaults = {
            key: fields[key].default for key in node.keys if key in fields and fields[key].default is not None
        }
    return node
