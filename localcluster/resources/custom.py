"""A custom resource's kind in one version, made from its CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcluster.resources.resource import Resource, Subresource

_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_STATUS_VERBS = ("get", "patch", "update")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CustomKind:
    """What the server must know of a custom kind beyond its name.

    `storage_api_version` is what objects are stored as; `version` is the definition's part for the version
    served here; `read_fields` gives the fields that may be selected on.
    """

    definition: str
    storage_api_version: str
    version: Json
    read_fields: Callable[[Json], Mapping[str, str]]
    deprecation: tuple[str, ...] = ()


def resources_of(definition: Json) -> list[Resource]:
    """The resources that a definition serves, one for each served version."""
    spec = definition["spec"]
    accepted = (definition.get("status") or {}).get("acceptedNames") or spec["names"]
    storage = next(version["name"] for version in spec["versions"] if version["storage"])
    return [
        _resource(definition, version, accepted, f"{spec['group']}/{storage}")
        for version in spec["versions"]
        if version["served"]
    ]


def _resource(definition: Json, version: Json, names: Json, storage_api_version: str) -> Resource:
    spec = definition["spec"]
    return Resource(
        group=spec["group"],
        version=version["name"],
        plural=names["plural"],
        kind=names["kind"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=spec["scope"] == "Namespaced",
        collection=f"{names['plural']}.{spec['group']}",
        verbs=_VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=_subresources(version),
        list_kind=names.get("listKind") or f"{names['kind']}List",
        custom=CustomKind(
            definition=definition["metadata"]["name"],
            storage_api_version=storage_api_version,
            version=version,
            read_fields=_field_reader(version),
            deprecation=_deprecation(spec["group"], names["kind"], version),
        ),
    )


def _subresources(version: Json) -> tuple[Subresource, ...]:
    declared = version.get("subresources") or {}
    found = []
    if "status" in declared:
        found.append(Subresource("status", _STATUS_VERBS))
    if "scale" in declared:
        found.append(Subresource("scale", _STATUS_VERBS, "autoscaling", "v1", "Scale"))
    return tuple(found)


def _deprecation(group: str, kind: str, version: Json) -> tuple[str, ...]:
    if not version.get("deprecated"):
        return ()
    return (version.get("deprecationWarning") or f"{group}/{version['name']} {kind} is deprecated",)


def _field_reader(version: Json) -> Callable[[Json], Mapping[str, str]]:
    paths = [each["jsonPath"].lstrip(".") for each in version.get("selectableFields") or ()]

    def read(obj: Json) -> Mapping[str, str]:
        return {path: _text(obj, path.split(".")) for path in paths}

    return read


def _text(value: Any, path: list[str]) -> str:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
