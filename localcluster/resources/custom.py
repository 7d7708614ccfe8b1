"""A custom resource's kind in one version, made from its CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcluster.objects.crd.compile import CompiledCRD, CompiledVersion, compile_crd
from localcluster.resources.resource import Resource, Subresource

_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_STATUS_VERBS = ("get", "patch", "update")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CustomKind:
    """What the server must know of a custom kind beyond its name.

    `version` is the definition's part for the version served here, `storage` the one in which objects are
    kept. `changed` says that the definition has changed since it was made, so that stored objects may not
    fit its schema any more. `needs_webhook` says that only a webhook could convert objects to this version.
    `read_fields` gives the fields that may be selected on.
    """

    definition: str
    compiled: CompiledVersion
    storage: CompiledVersion
    storage_api_version: str
    changed: bool
    needs_webhook: bool
    read_fields: Callable[[Json], Mapping[str, str]]

    @property
    def is_storage(self) -> bool:
        return self.compiled.name == self.storage.name


def resources_of(definition: Json) -> list[Resource]:
    """The resources that a definition serves, one for each served version."""
    compiled = compile_crd(definition)
    spec = definition["spec"]
    names = (definition.get("status") or {}).get("acceptedNames") or spec["names"]
    return [
        _resource(definition, compiled, version, names)
        for version in compiled.versions.values()
        if version.served
    ]


def _resource(definition: Json, compiled: CompiledCRD, version: CompiledVersion, names: Json) -> Resource:
    group = compiled.group
    return Resource(
        group=group,
        version=version.name,
        plural=names["plural"],
        kind=names["kind"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=definition["spec"]["scope"] == "Namespaced",
        collection=f"{names['plural']}.{group}",
        verbs=_VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=_subresources(version),
        list_kind=names.get("listKind") or f"{names['kind']}List",
        custom=CustomKind(
            definition=definition["metadata"]["name"],
            compiled=version,
            storage=compiled.storage_version,
            storage_api_version=f"{group}/{compiled.storage_version.name}",
            changed=definition["metadata"].get("generation", 1) > 1,
            needs_webhook=_converts_by_webhook(definition) and version.name != compiled.storage_version.name,
            read_fields=_field_reader(version),
        ),
    )


def _converts_by_webhook(definition: Json) -> bool:
    return (definition["spec"].get("conversion") or {}).get("strategy") == "Webhook"


def _subresources(version: CompiledVersion) -> tuple[Subresource, ...]:
    found = []
    if version.has_status:
        found.append(Subresource("status", _STATUS_VERBS))
    if version.scale is not None:
        found.append(Subresource("scale", _STATUS_VERBS, "autoscaling", "v1", "Scale"))
    return tuple(found)


def _field_reader(version: CompiledVersion) -> Callable[[Json], Mapping[str, str]]:
    paths = [path.lstrip(".") for path in version.selectable_fields]

    def read(obj: Json) -> Mapping[str, str]:
        return {path: _text(obj, path.split(".")) for path in paths}

    return read


def _text(value: Any, path: list[str]) -> str:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
