"""Which lists a strategic merge patch merges, and by which fields of their items.

The built-in kinds come from a generated table (`data/merge_keys.json`, read when first needed);
a kustomization's `openapi.path` puts its own definitions in their place.
"""

# ruff: noqa: PTH123 - pathlib and importlib.resources cost more to import than the table to read

import json
import posixpath
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from shared.kustomize.errors import KustomizationInvalid

_GVK = "x-kubernetes-group-version-kind"
_STRATEGY = "x-kubernetes-patch-strategy"
_MERGE_KEY = "x-kubernetes-patch-merge-key"
_MAP_KEYS = "x-kubernetes-list-map-keys"


class Node(Protocol):
    """The schema of one value."""

    def field(self, name: str) -> "Node | None":
        """The schema of a mapping's field."""
        ...

    def items(self) -> "Node | None":
        """The schema of a list's items."""
        ...

    def merge_keys(self) -> tuple[str, ...] | None:
        """None for a list that is replaced; the keys of one that is merged, () for one of scalars."""
        ...


class Schema(Protocol):
    def of(self, api_version: str, kind: str) -> Node | None: ...


class _TableNode:
    """A type of the generated table, or one of its fields."""

    __slots__ = ("_entry", "_types")

    def __init__(self, types: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
        self._types = types
        self._entry = entry

    def field(self, name: str) -> "_TableNode | None":
        if self._entry.get("c") == "list":
            return None
        if self._entry.get("c") == "map":
            return _TableNode(self._types, {"t": self._entry.get("t")})
        if name in _LATER_FIELDS:
            return None
        fields = self._types.get(self._entry.get("t", ""), {})
        return _TableNode(self._types, fields[name]) if name in fields else None

    def items(self) -> "_TableNode | None":
        return _TableNode(self._types, {"t": self._entry["t"]}) if self._entry.get("t") else None

    def merge_keys(self) -> tuple[str, ...] | None:
        if "merge" not in self._entry.get("s", ()):
            return None
        key = self._entry.get("k")
        return _SEVERAL_KEYS.get(key, (key,)) if key else ()


# The table is of a newer Kubernetes than the one whose schemas kustomize 5.7 has in it (1.21).
_LATER_FIELDS = frozenset({"resourceClaims", "schedulingGates"})
_LATER_KINDS = (
    "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
    "autoscaling/v2/",
    "flowcontrol.apiserver.k8s.io/v1/",
    "networking.k8s.io/v1/IPAddress",
    "networking.k8s.io/v1/ServiceCIDR",
    "resource.k8s.io/",
    "storage.k8s.io/v1/CSIStorageCapacity",
    "storage.k8s.io/v1/VolumeAttributesClass",
)
# Versions that 1.21 still had, and that merge as their successors do.
_EARLIER_VERSIONS = {
    "admissionregistration.k8s.io/v1beta1": "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1beta1": "apiextensions.k8s.io/v1",
    "apiregistration.k8s.io/v1beta1": "apiregistration.k8s.io/v1",
    "batch/v1beta1": "batch/v1",
    "coordination.k8s.io/v1beta1": "coordination.k8s.io/v1",
    "discovery.k8s.io/v1beta1": "discovery.k8s.io/v1",
    "networking.k8s.io/v1beta1": "networking.k8s.io/v1",
    "policy/v1beta1": "policy/v1",
    "rbac.authorization.k8s.io/v1beta1": "rbac.authorization.k8s.io/v1",
    "scheduling.k8s.io/v1beta1": "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1": "storage.k8s.io/v1",
}

# Lists that are merged by more than their patch merge key (x-kubernetes-list-map-keys).
_SEVERAL_KEYS = {
    "containerPort": ("containerPort", "protocol"),
    "port": ("port", "protocol"),
    "topologyKey": ("topologyKey", "whenUnsatisfiable"),
}


class BuiltInSchema:
    """The kinds of Kubernetes itself."""

    __slots__ = ()

    def of(self, api_version: str, kind: str) -> Node | None:
        table = _table()
        full = f"{_EARLIER_VERSIONS.get(api_version, api_version)}/{kind}"
        name = None if full.startswith(_LATER_KINDS) else table["kinds"].get(full)
        return _TableNode(table["types"], {"t": name}) if name is not None else None


# Where the built-in table has the definitions that custom ones refer to most.
_BUILT_IN_PLACES = {
    "io.k8s.api.core.v1.PodTemplateSpec": ("PodTemplate", ("template",)),
    "io.k8s.api.core.v1.PodSpec": ("Pod", ("spec",)),
    "io.k8s.api.core.v1.Container": ("Pod", ("spec", "containers", "")),
    "io.k8s.api.core.v1.Volume": ("Pod", ("spec", "volumes", "")),
    "io.k8s.api.core.v1.PersistentVolumeClaim": ("PersistentVolumeClaim", ()),
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": ("Pod", ("metadata",)),
}


def _built_in_definition(name: str) -> "Node | None":
    kind, path = _BUILT_IN_PLACES.get(name, ("", ()))
    node = BuiltInSchema().of("v1", kind)
    for step in path:
        if node is None:
            return None
        node = node.field(step) if step else node.items()
    return node


@cache
def _table() -> dict[str, Any]:
    with open(posixpath.join(posixpath.dirname(__file__), "..", "data", "merge_keys.json"), "rb") as file:
        table: dict[str, Any] = json.load(file)
    return table


class _OpenApiNode:
    """A schema of an OpenAPI document, references resolved on the way."""

    __slots__ = ("_beside_built_in", "_definitions", "_schema")

    def __init__(
        self, definitions: Mapping[str, Any], schema: Mapping[str, Any], *, beside_built_in: bool
    ) -> None:
        self._definitions = definitions
        self._schema = schema
        self._beside_built_in = beside_built_in

    def field(self, name: str) -> "Node | None":
        properties = self._schema.get("properties")
        if isinstance(properties, dict) and isinstance(properties.get(name), dict):
            return self._resolved(properties[name])
        values = self._schema.get("additionalProperties")
        return self._resolved(values) if isinstance(values, dict) else None

    def items(self) -> "Node | None":
        items = self._schema.get("items")
        return self._resolved(items) if isinstance(items, dict) else None

    def merge_keys(self) -> tuple[str, ...] | None:
        strategy = self._schema.get(_STRATEGY)
        if not isinstance(strategy, str) or "merge" not in strategy.split(","):
            return None
        keys = self._schema.get(_MAP_KEYS)
        if isinstance(keys, list):
            return tuple(str(key) for key in keys)
        key = self._schema.get(_MERGE_KEY)
        return (key,) if isinstance(key, str) else ()

    def _resolved(self, schema: Mapping[str, Any]) -> "Node | None":
        # A reference names a definition; a chain of them may be a loop.
        for _ in range(20):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return _OpenApiNode(self._definitions, schema, beside_built_in=self._beside_built_in)
            name = reference.rpartition("/")[2]
            found = self._definitions.get(name)
            if not isinstance(found, dict):
                return _built_in_definition(name) if self._beside_built_in else None
            schema = found
        return None


class OpenApiSchema:
    """The definitions of a file that `openapi.path` names; nothing else is known then.

    But where kustomize has used its built-in definitions before it comes to the file, it keeps
    them beside those of the file.
    """

    __slots__ = ("_beside_built_in", "_by_kind", "_definitions")

    def __init__(self, document: Any, path: str, *, beside_built_in: bool = False) -> None:
        definitions = document.get("definitions") if isinstance(document, dict) else None
        if not isinstance(definitions, dict):
            raise KustomizationInvalid(f"{path}: an OpenAPI document needs definitions")
        self._definitions = definitions
        self._beside_built_in = beside_built_in
        self._by_kind: dict[tuple[str, str], Mapping[str, Any]] = {}
        for schema in definitions.values():
            if not isinstance(schema, dict):
                continue
            kinds = schema.get(_GVK)
            for kind in kinds if isinstance(kinds, list) else ():
                if isinstance(kind, dict):
                    self._by_kind[_api_version(kind), str(kind.get("kind", ""))] = schema

    def of(self, api_version: str, kind: str) -> Node | None:
        schema = self._by_kind.get((api_version, kind))
        if schema is None:
            return BuiltInSchema().of(api_version, kind) if self._beside_built_in else None
        return _OpenApiNode(self._definitions, schema, beside_built_in=self._beside_built_in)


def _api_version(kind: Mapping[str, Any]) -> str:
    group, version = str(kind.get("group", "")), str(kind.get("version", ""))
    return f"{group}/{version}" if group else version
