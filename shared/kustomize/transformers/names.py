"""Put prefixes and suffixes to names."""

from collections.abc import Iterable
from typing import Any

from shared.kustomize.errors import TransformFailed
from shared.kustomize.fieldspec import FieldSpec, Missing, change_field
from shared.kustomize.resid import Gvk
from shared.kustomize.resmap import ResMap
from shared.kustomize.resource import Resource
from shared.logic.go_spelling import scalar_text

# Their names mean something outside of the object.
_KEPT = (
    Gvk(kind="CustomResourceDefinition"),
    Gvk("apiregistration.k8s.io", "", "APIService"),
    Gvk(kind="Namespace"),
)


def add_prefix(resmap: ResMap, prefix: str, specs: Iterable[FieldSpec]) -> None:
    _add(resmap, prefix, "", tuple(specs))


def add_suffix(resmap: ResMap, suffix: str, specs: Iterable[FieldSpec]) -> None:
    _add(resmap, "", suffix, tuple(specs))


def _add(resmap: ResMap, prefix: str, suffix: str, specs: tuple[FieldSpec, ...]) -> None:
    if not (prefix or suffix):
        return

    def change(value: Any) -> str:
        if isinstance(value, dict | list):
            raise TransformFailed("a prefix or suffix needs a text to be added to")
        return f"{prefix}{'' if value is None else scalar_text(value)}{suffix}"

    for resource in resmap.resources:
        original = resource.original_id.gvk
        if any(gvk.selects(original) for gvk in _KEPT):
            continue
        for spec in specs:
            if not spec.gvk.selects(original):
                continue
            if spec.path == "metadata/name":
                _remember(resource, prefix, suffix)
            if spec.gvk.selects(resource.gvk):
                change_field(resource.obj, spec, change, Missing.SCALAR)


def _remember(resource: Resource, prefix: str, suffix: str) -> None:
    if prefix:
        resource.prefixes = [*resource.prefixes, prefix]
    if suffix:
        resource.suffixes = [*resource.suffixes, suffix]
    resource.remember_name()
