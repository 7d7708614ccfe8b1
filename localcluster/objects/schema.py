"""The type graph: what a field is, how it merges and how it is written when empty.

One node type serves built-in kinds (compiled on demand from the generated table, see `generate`) and custom
resources (compiled from their structural schema, see `crd.compile`). Everything that looks into objects
(decoding, merging, defaulting, strategic patches) walks an object and a `Schema` side by side.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from localcluster.objects.table import table

Json = dict[str, Any]
Shape = Literal["scalar", "struct", "map", "list", "any"]
Emit = Literal["set", "nonzero", "always", "null"]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
# Types whose Go form has its own JSON encoding: the node is a scalar (or free form) whatever the
# schema says.
_FREE = {
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
    _META + "FieldsV1",
}
_OWN_SCALARS = {
    _META + "Time": "time",
    _META + "MicroTime": "microtime",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
}


class Schema:
    """A node. `shape` says which of the other attributes mean something.

    scalar: `type` (string, integer, number, boolean) and `format` (int32, int64, byte, time, microtime,
    quantity, int-or-string, ...); struct: `fields`, and `element` for undeclared fields where those
    are allowed;
    map: `element`; list: `element`, `list_type`, `keys`; any: free form (`element` is the node itself).
    `atomic` is true of maps and structs that are owned as a whole.
    """

    __slots__ = (
        "atomic",
        "default",
        "element",
        "embedded",
        "emit",
        "fields",
        "format",
        "int_or_string",
        "key_defaults",
        "keys",
        "list_type",
        "merge_key",
        "name",
        "nullable",
        "origin",
        "patch_strategies",
        "preserve_unknown",
        "required",
        "shape",
        "type",
    )

    def __init__(self, shape: Shape, *, type: str = "", format: str = "", name: str = "") -> None:  # noqa: A002 - the schema's own words
        self.shape: Shape = shape
        self.type = type
        self.format = format
        self.name = name
        self.fields: dict[str, Schema] = {}
        self.element: Schema | None = None
        self.list_type = "atomic"
        self.keys: tuple[str, ...] = ()
        self.key_defaults: Json = {}
        self.atomic = False
        self.nullable = False
        self.preserve_unknown = False
        self.int_or_string = format == "int-or-string"
        self.embedded = False
        self.emit: Emit = "set"
        self.default: Any = None
        self.required: frozenset[str] = frozenset()
        self.merge_key = ""
        self.patch_strategies: tuple[str, ...] = ()
        # The JSON schema a custom resource's node was compiled from.
        self.origin: Json = {}

    def __repr__(self) -> str:
        return f"Schema({self.shape} {self.name or self.type})"

    def child(self, key: str) -> Schema | None:
        """The type of a field or map value; None where the field is not declared."""
        return self.fields.get(key, self.element)


def untyped() -> Schema:
    """Free form: granular maps, atomic lists, any scalar (structured-merge-diff's deduced type)."""
    return _UNTYPED


def _make_untyped() -> Schema:
    node = Schema("any")
    node.element = node
    node.preserve_unknown = True
    return node


_UNTYPED = _make_untyped()


@cache
def builtin(group: str, version: str, kind: str) -> Schema | None:
    """The type of a built-in kind, or None where there is none. Core kinds have group ""."""
    name = table()["kinds"].get("/".join(part for part in (group, version, kind) if part))
    return None if name is None else definition(name)


def builtin_kinds() -> list[tuple[str, str, str]]:
    """(group, version, kind) of every kind in the table, lists and option types included."""
    found = []
    for key in table()["kinds"]:
        *group, version, kind = key.split("/")
        found.append((group[0] if group else "", version, kind))
    return found


def object_meta() -> Schema:
    """The type of `metadata`, of every kind."""
    return definition(_META + "ObjectMeta")


_COMPILED: dict[str, Schema] = {}


def definition(name: str) -> Schema:
    """The type of a definition by its OpenAPI name. KeyError if there is no such definition."""
    node = _COMPILED.get(name)
    if node is None:
        node = _COMPILED[name] = _empty_node(name)
        if node.shape == "struct":
            # Registered before its fields are compiled: JSONSchemaProps refers to itself.
            _fill_struct(node, table()["definitions"][name])
    return node


def _empty_node(name: str) -> Schema:
    if (own := _OWN_SCALARS.get(name)) is not None:
        # Times and quantities accept any scalar when merged; what they must look like is the decoder's
        # business.
        node = Schema("scalar", format=own, name=name)
    elif name in _FREE:
        node = _make_untyped()
        node.name = name
    else:
        node = Schema("struct", name=name)
    return node


def _fill_struct(node: Schema, source: Json) -> None:
    node.atomic = source.get("x-kubernetes-map-type") == "atomic"
    node.required = frozenset(source.get("required", ()))
    node.fields = {field: _property(schema) for field, schema in source.get("properties", {}).items()}


def _property(source: Json) -> Schema:
    """A field's node. A reference is shared unless the field adds rules of its own."""
    if "$ref" in source:
        target = definition(source["$ref"])
        if source.keys() <= {"$ref"}:
            return target
        node = _copy(target)
    elif source.get("type") == "array":
        node = Schema("list")
        node.element = _property(source["items"])
    elif source.get("type") == "object":
        node = _object_property(source)
    else:
        node = Schema("scalar", type=source.get("type", ""), format=source.get("format", ""))
    return _add_rules(node, source)


def _object_property(source: Json) -> Schema:
    if isinstance(source.get("additionalProperties"), dict):
        node = Schema("map")
        node.element = _property(source["additionalProperties"])
        return node
    return _copy(_UNTYPED)


def _copy(node: Schema) -> Schema:
    twin = Schema(node.shape)
    for slot in Schema.__slots__:
        setattr(twin, slot, getattr(node, slot))
    return twin


def _add_rules(node: Schema, source: Json) -> Schema:
    node.emit = source.get("x-emit", "set")
    node.default = source.get("default")
    node.merge_key = source.get("x-kubernetes-patch-merge-key", "")
    if strategies := source.get("x-kubernetes-patch-strategy"):
        node.patch_strategies = tuple(strategies.split(","))
    if source.get("x-kubernetes-map-type") == "atomic":
        node.atomic = True
    if node.shape == "list":
        _add_list_rules(node, source)
    return node


def _add_list_rules(node: Schema, source: Json) -> None:
    """How a list merges: as it says, or else as its patch strategy says."""
    keys = source.get("x-kubernetes-list-map-keys", ())
    if (list_type := source.get("x-kubernetes-list-type")) is not None:
        node.list_type = list_type
    elif "merge" in node.patch_strategies:
        node.list_type = "map" if node.merge_key else "set"
        keys = (node.merge_key,) if node.merge_key else ()
    if keys:
        node.keys = tuple(sorted(keys))
        element = node.element
        if element is not None:
            node.key_defaults = {
                key: field.default
                for key in node.keys
                if (field := element.fields.get(key)) is not None and field.default is not None
            }
