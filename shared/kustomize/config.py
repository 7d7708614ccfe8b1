"""Transformer configuration: which fields names, labels, images and references live in.

A kustomization may add to it (`configurations`, `crds`); the built-in part is in
shared.kustomize.default_config.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, NamedTuple

from shared.kustomize import fields
from shared.kustomize.fieldspec import FieldSpec, field_spec, merged
from shared.kustomize.resid import Gvk


class NameReference(NamedTuple):
    """Objects of `target` kinds are referred to by name in the fields of `referrers`."""

    target: Gvk
    referrers: tuple[FieldSpec, ...]


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """Field specs by transformer."""

    name_prefix: tuple[FieldSpec, ...] = ()
    name_suffix: tuple[FieldSpec, ...] = ()
    namespace: tuple[FieldSpec, ...] = ()
    common_labels: tuple[FieldSpec, ...] = ()
    labels: tuple[FieldSpec, ...] = ()
    template_labels: tuple[FieldSpec, ...] = ()
    common_annotations: tuple[FieldSpec, ...] = ()
    name_reference: tuple[NameReference, ...] = ()
    var_reference: tuple[FieldSpec, ...] = ()
    images: tuple[FieldSpec, ...] = ()
    replicas: tuple[FieldSpec, ...] = ()

    def merge(self, other: "TransformerConfig") -> "TransformerConfig":
        """Both without repetition, the specs for certain kinds first.

        Raises KustomizationInvalid where they contradict each other.
        """
        if other is self:
            return self
        values: dict[str, Any] = {}
        for field in dataclass_fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if mine is theirs or not theirs:
                values[field.name] = mine
            elif field.name == "name_reference":
                values[field.name] = _merged_references(mine, theirs)
            else:
                values[field.name] = tuple(sorted(merged(mine, theirs), key=_generality))
        return TransformerConfig(**values)


def _generality(spec: FieldSpec) -> int:
    return sum(not part for part in spec.gvk)


def _merged_references(
    mine: Iterable[NameReference], theirs: Iterable[NameReference]
) -> tuple[NameReference, ...]:
    by_target = {reference.target: reference for reference in mine}
    for reference in theirs:
        known = by_target.get(reference.target)
        referrers = merged(known.referrers if known else (), reference.referrers)
        by_target[reference.target] = NameReference(reference.target, tuple(referrers))
    return tuple(by_target.values())


def _specs(value: Any, where: str) -> tuple[FieldSpec, ...]:
    return tuple(fields.listing(field_spec)(value, where))


def _reference(
    *, kind: str = "", group: str = "", version: str = "", referrers: tuple[FieldSpec, ...] = ()
) -> NameReference:
    return NameReference(Gvk(group, version, kind), referrers)


_REFERENCE_SHAPE: fields.Shape = {
    "kind": ("kind", fields.text),
    "group": ("group", fields.text),
    "version": ("version", fields.text),
    "fieldSpecs": ("referrers", _specs),
}


def _references(value: Any, where: str) -> tuple[NameReference, ...]:
    return tuple(fields.listing(fields.structure(_reference, _REFERENCE_SHAPE))(value, where))


CONFIG_SHAPE: fields.Shape = {
    "namePrefix": ("name_prefix", _specs),
    "nameSuffix": ("name_suffix", _specs),
    "namespace": ("namespace", _specs),
    "commonLabels": ("common_labels", _specs),
    "labels": ("labels", _specs),
    "templateLabels": ("template_labels", _specs),
    "commonAnnotations": ("common_annotations", _specs),
    "nameReference": ("name_reference", _references),
    "varReference": ("var_reference", _specs),
    "images": ("images", _specs),
    "replicas": ("replicas", _specs),
}
_config = fields.structure(TransformerConfig, CONFIG_SHAPE)


def parse_config(value: Mapping[str, Any], where: str) -> TransformerConfig:
    """A file of `configurations`. Raises KustomizationInvalid."""
    return _config(value, where)


class SpecsByKind:
    """The specs of a transformer, found by the kind of an object at once."""

    __slots__ = ("_by_gvk", "_specs")

    def __init__(self, specs: Iterable[FieldSpec]) -> None:
        self._specs = tuple(specs)
        self._by_gvk: dict[Gvk, list[FieldSpec]] = {}

    def of(self, gvk: Gvk) -> list[FieldSpec]:
        found = self._by_gvk.get(gvk)
        if found is None:
            found = self._by_gvk[gvk] = [spec for spec in self._specs if spec.gvk.selects(gvk)]
        return found
