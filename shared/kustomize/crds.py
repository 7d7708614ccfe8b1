"""What the OpenAPI definitions of `crds` add to the transformer configuration."""

import json
from typing import Any

from shared.kustomize.config import NameReference, TransformerConfig
from shared.kustomize.errors import KustomizationInvalid
from shared.kustomize.fieldspec import FieldSpec
from shared.kustomize.resid import Gvk
from shared.logic.go_yaml import Limits, YamlError, read_document

_MAX_DEPTH = 50


def config_from_definitions(content: bytes, path: str, limits: Limits) -> TransformerConfig:
    """References, labels, annotations and names that definitions mark. Raises KustomizationInvalid."""
    try:
        value = json.loads(content) if content.lstrip()[:1] == b"{" else read_document(content, limits=limits)
    except (YamlError, ValueError, RecursionError) as error:
        raise KustomizationInvalid(f"{path}: unable to parse OpenAPI definitions: {error}") from error
    if not isinstance(value, dict):
        raise KustomizationInvalid(f"{path}: OpenAPI definitions are a mapping")
    definitions = {
        name: entry["Schema"] if isinstance(entry.get("Schema"), dict) else entry.get("schema")
        for name, entry in value.items()
        if isinstance(entry, dict)
    }
    config = TransformerConfig()
    for name in definitions:
        properties = _properties(definitions, name)
        if {"kind", "apiVersion", "metadata"} <= properties.keys():
            found = _Found(Gvk(kind=name.rpartition(".")[2]), definitions)
            found.collect(name, ())
            config = config.merge(found.config())
    return config


class _Found:
    """The field specs of one type, collected along its fields."""

    __slots__ = ("_annotations", "_definitions", "_gvk", "_labels", "_prefixes", "_references")

    def __init__(self, gvk: Gvk, definitions: dict[str, Any]) -> None:
        self._gvk = gvk
        self._definitions = definitions
        self._annotations: list[FieldSpec] = []
        self._labels: list[FieldSpec] = []
        self._prefixes: list[FieldSpec] = []
        self._references: list[NameReference] = []

    def collect(self, name: str, path: tuple[str, ...]) -> None:
        if len(path) > _MAX_DEPTH:
            raise KustomizationInvalid(f"OpenAPI definition {name!r} refers to itself")
        for field, schema in _properties(self._definitions, name).items():
            if not isinstance(schema, dict):
                continue
            here = (*path, field)
            spec = FieldSpec("/".join(here), self._gvk)
            if "x-kubernetes-annotation" in schema:
                self._annotations.append(spec)
            if "x-kubernetes-label-selector" in schema:
                self._labels.append(spec)
            if "x-kubernetes-identity" in schema:
                self._prefixes.append(spec)
            self._collect_reference(schema, here)
            reference = schema.get("$ref")
            if isinstance(reference, str) and reference in self._definitions:
                self.collect(reference, here)

    def _collect_reference(self, schema: dict[str, Any], path: tuple[str, ...]) -> None:
        version = schema.get("x-kubernetes-object-ref-api-version")
        kind = schema.get("x-kubernetes-object-ref-kind")
        if isinstance(version, str) and isinstance(kind, str):
            key = schema.get("x-kubernetes-object-ref-name-key", "name")
            spec = FieldSpec("/".join((*path, str(key))), self._gvk)
            self._references.append(NameReference(Gvk("", version, kind), (spec,)))

    def config(self) -> TransformerConfig:
        config = TransformerConfig(
            common_annotations=tuple(self._annotations),
            common_labels=tuple(self._labels),
            name_prefix=tuple(self._prefixes),
        )
        for reference in self._references:
            config = config.merge(TransformerConfig(name_reference=(reference,)))
        return config


def _properties(definitions: dict[str, Any], name: str) -> dict[str, Any]:
    schema = definitions.get(name)
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}
