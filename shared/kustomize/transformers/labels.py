"""Set labels and annotations, at every place that the configuration names."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared.kustomize.config import SpecsByKind
from shared.kustomize.errors import TransformFailed
from shared.kustomize.fieldspec import FieldSpec, Missing, change_field
from shared.kustomize.resmap import ResMap
from shared.logic.go_spelling import Blank


def set_entries(resmap: ResMap, pairs: Mapping[str, str], specs: Iterable[FieldSpec]) -> None:
    """Add the pairs to every mapping that the specs lead to. Raises TransformFailed."""
    if not pairs:
        return
    by_kind = SpecsByKind(specs)
    change = _adding(pairs)
    for resource in resmap.resources:
        for spec in by_kind.of(resource.gvk):
            try:
                change_field(resource.obj, spec, change, Missing.MAPPING)
            except TransformFailed as error:
                raise TransformFailed(f"{resource.shown()}: {spec.path}: {error}") from error


def _adding(pairs: Mapping[str, str]) -> Callable[[Any], dict[str, Any]]:
    def change(value: Any) -> dict[str, Any]:
        if value is None or isinstance(value, Blank):
            return dict(pairs)
        if not isinstance(value, dict):
            raise TransformFailed("expected a mapping to set labels or annotations in")
        value.update(pairs)
        return value

    return change
