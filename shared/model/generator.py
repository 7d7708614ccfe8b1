"""ArtifactGenerator of source.extensions.fluxcd.io/v1beta1: what users ask, and what is remembered.

Field by field as specs/source.md 13.2; `parse` trusts the CRD's schema and raises ValueError or KeyError on
what got past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from shared.model.meta import ObjectKey

FINALIZER = "source.extensions.fluxcd.io/finalizer"
FIELD_MANAGER = "source-watcher"
GENERATOR_LABEL = "source.extensions.fluxcd.io/generator"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
_RECONCILE_ANNOTATION = "source.extensions.fluxcd.io/reconcile"


class Strategy(StrEnum):
    """What happens to a file that is there already, or to an archive."""

    OVERWRITE = "Overwrite"
    MERGE = "Merge"
    EXTRACT = "Extract"


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source object, and what it is called in the generator."""

    alias: str
    kind: str
    key: ObjectKey

    @classmethod
    def parse(cls, raw: Mapping[str, Any], namespace: str) -> Self:
        return cls(raw["alias"], raw["kind"], ObjectKey(raw.get("namespace") or namespace, raw["name"]))

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"


@dataclass(frozen=True, slots=True)
class Copy:
    """One act of copying; `source` is `@alias/path-or-glob`, `target` is `@artifact/path`."""

    source: str
    target: str
    exclude: tuple[str, ...]
    strategy: Strategy

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        strategy = Strategy(raw.get("strategy") or "Overwrite")
        return cls(raw["from"], raw["to"], tuple(raw.get("exclude") or ()), strategy)


@dataclass(frozen=True, slots=True)
class Output:
    """One artifact to make; the revisions name sources by alias, empty where not given."""

    name: str
    revision_of: str
    origin_revision_of: str
    copies: tuple[Copy, ...]

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        revision, origin = raw.get("revision") or "", raw.get("originRevision") or ""
        copies = tuple(Copy.parse(copy) for copy in raw["copy"])
        return cls(raw["name"], revision.removeprefix("@"), origin.removeprefix("@"), copies)


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """An ExternalArtifact that was made, and what is in the store for it."""

    name: str
    namespace: str
    digest: str
    filename: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw["name"], raw["namespace"], raw["digest"], raw["filename"])

    def render(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "namespace": self.namespace,
            "digest": self.digest,
            "filename": self.filename,
        }


@dataclass(frozen=True, slots=True)
class ArtifactGenerator:
    """Spec, and of the status what the next reconcile needs; `disabled` is an annotation's doing."""

    key: ObjectKey
    uid: str
    api_version: str
    disabled: bool
    sources: tuple[NamedSource, ...]
    path_pattern: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    outputs: tuple[Output, ...]
    inventory: tuple[InventoryEntry, ...]
    observed_sources_digest: str

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
        key = ObjectKey.of(obj)
        common = spec.get("commonMetadata") or {}
        switch = str((meta.get("annotations") or {}).get(_RECONCILE_ANNOTATION, ""))
        return cls(
            key=key,
            uid=meta["uid"],
            api_version=obj["apiVersion"],
            disabled=switch.lower() == "disabled",
            sources=tuple(NamedSource.parse(each, key.namespace) for each in spec["sources"]),
            path_pattern=spec.get("pathPattern") or "",
            labels=dict(common.get("labels") or {}),
            annotations=dict(common.get("annotations") or {}),
            outputs=tuple(Output.parse(each) for each in spec["artifacts"]),
            inventory=tuple(InventoryEntry.parse(each) for each in status.get("inventory") or ()),
            observed_sources_digest=status.get("observedSourcesDigest") or "",
        )
