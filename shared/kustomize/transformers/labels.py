"""Set labels and annotations, at every place that the configuration names."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from shared.kustomize.config import SpecsByKind
from shared.kustomize.errors import TransformFailed
from shared.kustomize.fieldspec import FieldSpec, Missing, change_field
from shared.kustomize.resmap import ResMap
from shared.kustomize.shared_texts import Additions
from shared.logic.go_spelling import Blank


def set_entries(resmap: ResMap, pairs: Mapping[str, str], specs: Iterable[FieldSpec]) -> None:
    """Add the pairs to every mapping that the specs lead to. Raises TransformFailed."""
    if not pairs:
        return
    by_kind = SpecsByKind(specs)
    for resource in resmap.resources:
        additions = Additions(pairs)
        for spec in by_kind.of(resource.gvk):
            try:
                change_field(resource.obj, spec, partial(_changed, additions), Missing.MAPPING)
            except TransformFailed as error:
                raise TransformFailed(f"{resource.shown()}: {spec.path}: {error}") from error
        resource.shared += additions.shared()


def _changed(additions: Additions, value: Any) -> dict[str, Any]:
    if value is None or isinstance(value, Blank):
        value = {}
    if not isinstance(value, dict):
        raise TransformFailed("expected a mapping to set labels or annotations in")
    additions.add_to(value)
    return value
