"""Copy values from one object's field, or a given text, to fields of others."""

from collections.abc import Sequence
from typing import Any

from shared.kustomize import fieldpath
from shared.kustomize.errors import ReplacementFailed
from shared.kustomize.merge.strategic import is_null
from shared.kustomize.model import FieldOptions, Replacement, ReplacementSource, ReplacementTarget
from shared.kustomize.resid import DEFAULT_NAMESPACE, ResId
from shared.kustomize.resmap import selected_by_text
from shared.kustomize.resource import Resource, copied_within_bounds
from shared.kustomize.selectors import Selector
from shared.logic.go_scalars import BadScalar, Dialect, resolve
from shared.logic.go_spelling import scalar_text, spelled

_DEFAULT_PATH = "metadata.name"


def replace(resources: Sequence[Resource], replacements: Sequence[Replacement]) -> None:
    """Apply the replacements in order. Raises ReplacementFailed."""
    for replacement in replacements:
        if replacement.source is not None and replacement.source_value is not None:
            raise ReplacementFailed("replacements: value and resource selectors are mutually exclusive")
        has_source = replacement.source is not None or replacement.source_value is not None
        if not has_source or replacement.targets is None:
            raise ReplacementFailed("replacements must specify a source and at least one target")
        if replacement.source is None:
            value: Any = replacement.source_value
        else:
            value = _source_value(resources, replacement.source)
        for target in replacement.targets:
            _write(resources, target, value)


def _source_value(resources: Sequence[Resource], source: ReplacementSource) -> Any:
    found = [r for r in resources if any(_is_selected(source.selector, i) for i in _raw_ids(r))]
    if len(found) != 1:
        shown = _shown(source.selector)
        problem = (
            f"multiple matches for selector {shown}: {_places(found)}"
            if found
            else f"nothing selected by {shown}"
        )
        raise ReplacementFailed(f"replacements: {problem}")
    path = source.field_path or _DEFAULT_PATH
    value = fieldpath.lookup(found[0].obj, path)
    if is_null(value) or value in ({}, []):
        raise ReplacementFailed(f"replacements: fieldPath {path!r} is missing for source {found[0].shown()}")
    delimiter, index = source.options.delimiter, source.options.index
    if not delimiter:
        return value
    _require_scalar(value)
    parts = scalar_text(value).split(delimiter)
    if not 0 <= index < len(parts):
        raise ReplacementFailed(f"options.index {index} is out of bounds for value {scalar_text(value)}")
    return _retyped(parts[index], value)


def _write(resources: Sequence[Resource], target: ReplacementTarget, value: Any) -> None:
    if target.select is None:
        raise ReplacementFailed("replacements: target must specify resources to select")
    rejects = [reject for reject in target.reject if not reject.names_nothing]
    paths = target.field_paths or [_DEFAULT_PATH]
    for resource in resources:
        if not _selected_by_text(resource, target, target.select):
            continue
        ids = _raw_ids(resource)
        if any(_is_selected(reject, i) for reject in rejects for i in ids):
            continue
        if any(_is_selected(target.select, i) for i in ids):
            for path in paths:
                _write_at(resource, path, value, target.options)


def _selected_by_text(resource: Resource, target: ReplacementTarget, select: Selector) -> bool:
    if not selected_by_text(resource, select):
        return False
    return not any(
        selected_by_text(resource, reject)
        for reject in target.reject
        if reject.label_selector or reject.annotation_selector
    )


def _write_at(resource: Resource, path: str, value: Any, options: FieldOptions) -> None:
    create: type | None = None
    if options.create:
        create = type(value) if isinstance(value, dict | list) else fieldpath.SCALAR
    try:
        found = fieldpath.places(resource.obj, path, create)
    except ReplacementFailed as error:
        raise ReplacementFailed(f"{resource.shown()}: unable to find or create field {error}") from error
    if not found:
        raise ReplacementFailed(f"{resource.shown()}: unable to find field {path!r} in replacement target")
    for place in found:
        try:
            place.put(_new_value(place.value, value, options))
        except ReplacementFailed as error:
            raise ReplacementFailed(f"{resource.shown()}: field {path!r}: {error}") from error


def _new_value(old: Any, value: Any, options: FieldOptions) -> Any:
    if options.delimiter:
        _require_scalar(old)
        parts = scalar_text("" if old is fieldpath.CREATED else old).split(options.delimiter)
        text = "" if isinstance(value, dict | list) else scalar_text(value)
        if options.index < 0:
            parts.insert(0, text)
        elif options.index >= len(parts):
            parts.append(text)
        else:
            parts[options.index] = text
        return _retyped(options.delimiter.join(parts), old)
    if isinstance(old, dict | list):
        return copied_within_bounds(value)
    if isinstance(value, dict | list):
        return _retyped("", old)
    return _retyped(scalar_text(value), old)


def _require_scalar(value: Any) -> None:
    if isinstance(value, dict | list):
        raise ReplacementFailed("delimiter option can only be used with scalar nodes")


def _retyped(text: str, old: Any) -> Any:
    """The text as a value of the type that the field has; a new field takes the type of the text."""
    if isinstance(old, str):
        return text
    try:
        value = resolve(text, Dialect.KYAML)
    except BadScalar as error:
        raise ReplacementFailed(str(error)) from error
    if old is fieldpath.CREATED or _type(value) is _type(old) or (_type(old), _type(value)) == (float, int):
        return spelled(value, text)
    raise ReplacementFailed(f"cannot write {text!r} to a field that holds {scalar_text(old)}")


def _type(value: Any) -> type:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind
    return type(None)


def _raw_ids(resource: Resource) -> list[ResId]:
    """The present id with the namespace as it is written, then the earlier ones."""
    return [ResId(resource.gvk, resource.name, resource.namespace), *resource.previous_ids]


def _is_selected(selector: Selector, wanted: ResId) -> bool:
    if selector.name and selector.name != wanted.name:
        return False
    if selector.namespace and selector.namespace != (wanted.namespace or DEFAULT_NAMESPACE):
        return False
    return selector.gvk.selects(wanted.gvk)


def _shown(selector: Selector) -> str:
    return f"{selector.gvk}/{selector.name or '[noName]'}.{selector.namespace or '[noNs]'}"


def _places(found: Sequence[Resource]) -> str:
    return ", ".join(resource.shown() for resource in found[:5])
