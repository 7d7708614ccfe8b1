"""Deprecated `vars`: fill `$(NAME)` in with a field of an object."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.kustomize import fieldpath
from shared.kustomize.config import SpecsByKind
from shared.kustomize.errors import ReferenceAmbiguous, ReplacementFailed, TransformFailed
from shared.kustomize.fieldspec import FieldSpec, change_field
from shared.kustomize.model import Variable
from shared.kustomize.resid import effective_namespace, is_cluster_scoped
from shared.kustomize.resource import Resource
from shared.logic.go_scalars import go_float
from shared.logic.go_spelling import Blank, plain_json, scalar_text

Variables = dict[str, Variable]

_MISSING = object()


def bind(resources: Sequence[Resource], known: Variables, incoming: Iterable[Variable]) -> None:
    """Add variables to the known ones and mark the objects they mean. Raises ReferenceAmbiguous."""
    for variable in incoming:
        found = [resource for resource in resources if resource.obj and _means(variable, resource)]
        if len(found) > 1:
            places = ", ".join(resource.shown() for resource in found[:5])
            raise ReferenceAmbiguous(
                f"found {len(found)} matches for var {variable.name!r} (unable to disambiguate): {places}"
            )
        if found:
            found[0].variable_names = [*found[0].variable_names, variable.name]
        add(known, [variable])


def add(known: Variables, incoming: Iterable[Variable]) -> None:
    """Add variables; a name may be used once. Raises TransformFailed."""
    for variable in incoming:
        if variable.name in known:
            raise TransformFailed(f"var {variable.name!r} already encountered")
        known[variable.name] = variable


def _means(variable: Variable, resource: Resource) -> bool:
    target = variable.target
    group, version, kind = target.gvk
    api_version = f"{group}/{version}" if group else version
    everywhere = not target.namespace and not is_cluster_scoped(api_version, kind)
    namespace = effective_namespace(api_version, kind, target.namespace)
    return any(
        known.gvk == target.gvk and known.name == target.name and (everywhere or known.namespace == namespace)
        for known in resource.ids()
    )


def resolve_all(resources: Sequence[Resource], variables: Variables, specs: Iterable[FieldSpec]) -> None:
    """Replace the references in every field that may hold one. Raises TransformFailed."""
    if not variables:
        return
    values = {name: _value(resources, variable) for name, variable in sorted(variables.items())}
    by_kind = SpecsByKind(specs)
    for resource in resources:
        for spec in by_kind.of(resource.gvk):
            try:
                change_field(resource.obj, spec, lambda old: _expanded(old, values))
            except TransformFailed as error:
                raise TransformFailed(f"{resource.shown()}: vars in {spec.path!r}: {error}") from error


def _value(resources: Sequence[Resource], variable: Variable) -> Any:
    for resource in resources:
        if variable.name not in resource.variable_names:
            continue
        path = variable.field_path.replace("[", ".").replace("]", "")
        try:
            value = fieldpath.lookup(resource.obj, path, _MISSING)
        except ReplacementFailed:
            value = _MISSING
        if value is _MISSING:
            raise TransformFailed(
                f"field {variable.field_path!r} specified in var {variable.name!r} "
                f"not found in {resource.shown()}"
            )
        # A null is a scalar like others, and has its text.
        return scalar_text(value) if value is None or isinstance(value, Blank) else plain_json(value)
    raise TransformFailed(f"var {variable.name!r} cannot be mapped to a field in the set of known resources")


def _expanded(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return expand(value, values)
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                value[key] = expand(item, values)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, str):
                raise TransformFailed("invalid value type: expected a text")
            value[index] = expand(item, values)
    return value


def expand(text: str, values: dict[str, Any]) -> Any:
    """The text with its `$(NAME)` filled in; `$$` stands for one `$`. A lone reference keeps its type."""
    if "$" not in text:
        return text
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0 and dollar + 1 < len(text):
        parts.append(text[at:dollar])
        following = text[dollar + 1]
        closing = text.find(")", dollar + 2) if following == "(" else -1
        if following == "$":
            parts.append("$")
            at = dollar + 2
        elif closing > 0:
            name = text[dollar + 2 : closing]
            value = _known(name, values)
            if text == f"$({name})":
                return value
            parts.append(_text(value))
            at = closing + 1
        else:
            parts.append("$" + following)
            at = dollar + 2
    return "".join(parts) + text[at:]


def _known(name: str, values: dict[str, Any]) -> Any:
    value = values.get(name)
    return value if isinstance(value, str | int | float) else f"$({name})"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return go_float(value) if isinstance(value, float) else str(value)
