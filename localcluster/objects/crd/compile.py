"""A CRD, compiled: for each version what decoding, merging, validating and printing need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localcluster.objects.crd.nodes import root_of
from localcluster.objects.crd.rules import RuleSet, compile_rules
from localcluster.objects.schema import Schema

Json = dict[str, Any]

_DESCRIPTION = "Custom resource definition column (in JSONPath format): "


@dataclass(frozen=True, slots=True)
class Column:
    """An additional printer column."""

    name: str
    type: str
    json_path: str
    format: str
    description: str
    priority: int


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where the scale subresource finds its numbers (`.spec.replicas`), and its selector, "" for none."""

    spec_replicas: str
    status_replicas: str
    label_selector: str


@dataclass(frozen=True, slots=True)
class CompiledVersion:
    """One version of a CRD. `structural` is its schema as written, `schema` the compiled type."""

    name: str
    served: bool
    storage: bool
    schema: Schema
    structural: Json
    rules: RuleSet
    columns: tuple[Column, ...]
    has_status: bool
    scale: ScalePaths | None
    selectable_fields: tuple[str, ...]
    deprecation_warning: str | None


@dataclass(frozen=True, slots=True)
class CompiledCRD:
    """A CRD whose spec has passed `structural.validate_crd`."""

    group: str
    kind: str
    plural: str
    versions: dict[str, CompiledVersion]

    @property
    def storage_version(self) -> CompiledVersion:
        return next(version for version in self.versions.values() if version.storage)


def compile_crd(crd: Json) -> CompiledCRD:
    """Compiles a stored CRD. Rules of CEL are compiled when first used."""
    spec = crd["spec"]
    names = spec["names"]
    versions = {one["name"]: _version(one, spec) for one in spec["versions"]}
    return CompiledCRD(spec["group"], names["kind"], names["plural"], versions)


def _version(source: Json, spec: Json) -> CompiledVersion:
    structural = (source.get("schema") or {}).get("openAPIV3Schema") or {}
    subresources = source.get("subresources") or {}
    warning = source.get("deprecationWarning")
    if source.get("deprecated") and warning is None:
        warning = f"{spec['group']}/{source['name']} {spec['names']['kind']} is deprecated"
    return CompiledVersion(
        name=source["name"],
        served=bool(source.get("served")),
        storage=bool(source.get("storage")),
        schema=root_of(structural),
        structural=structural,
        rules=compile_rules(structural),
        columns=tuple(_column(one) for one in source.get("additionalPrinterColumns") or ()),
        has_status="status" in subresources,
        scale=_scale(subresources.get("scale")),
        selectable_fields=tuple(one["jsonPath"] for one in source.get("selectableFields") or ()),
        deprecation_warning=warning if source.get("deprecated") else None,
    )


def _column(source: Json) -> Column:
    return Column(
        name=source.get("name", ""),
        type=source.get("type", ""),
        json_path=source.get("jsonPath", ""),
        format=source.get("format", ""),
        description=source.get("description") or _DESCRIPTION + source.get("jsonPath", ""),
        priority=source.get("priority", 0),
    )


def _scale(source: Json | None) -> ScalePaths | None:
    if source is None:
        return None
    return ScalePaths(
        source.get("specReplicasPath", ""),
        source.get("statusReplicasPath", ""),
        source.get("labelSelectorPath", ""),
    )
