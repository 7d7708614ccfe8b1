"""Field specs: which field of which kinds a transformer changes, and the walk to that field."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from shared.kustomize import fields
from shared.kustomize.errors import KustomizationInvalid, TransformFailed
from shared.kustomize.resid import Gvk
from shared.logic.go_spelling import Blank

# Gives the new value of a field from the old one (None where it is created or null).
Change = Callable[[Any], Any]


class FieldSpec(NamedTuple):
    """A path (`/` between steps, `[]` after a list) in the objects that `gvk` selects."""

    path: str
    gvk: Gvk = Gvk()
    create: bool = False


class Missing(IntEnum):
    """What is created at the end of a path: a scalar, a mapping, or nothing at all."""

    NOTHING = 0
    SCALAR = 1
    MAPPING = 2


def _make(
    *, path: str = "", group: str = "", version: str = "", kind: str = "", create: bool = False
) -> FieldSpec:
    return FieldSpec(path, Gvk(group, version, kind), create)


FIELD_SPEC_SHAPE: fields.Shape = {
    "path": ("path", fields.text),
    "group": ("group", fields.text),
    "version": ("version", fields.text),
    "kind": ("kind", fields.text),
    "create": ("create", fields.flag),
}
field_spec = fields.structure(_make, FIELD_SPEC_SHAPE)


def merged(specs: Iterable[FieldSpec], more: Iterable[FieldSpec]) -> list[FieldSpec]:
    """Both lists, but for the specs of `more` whose path is known for the same or fewer kinds.

    So a spec for one kind keeps a general one out that comes after it. Raises
    KustomizationInvalid where the two differ about `create`.
    """
    result = list(specs)
    by_path: dict[str, list[FieldSpec]] = {}
    for spec in result:
        by_path.setdefault(spec.path, []).append(spec)
    for spec in more:
        same = by_path.setdefault(spec.path, [])
        known = next((other for other in same if spec.gvk.selects(other.gvk)), None)
        if known is None:
            same.append(spec)
            result.append(spec)
        elif known.create != spec.create:
            raise KustomizationInvalid(f"conflicting field specs for path {spec.path!r}")
    return result


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, ...]:
    r"""The steps of a path; `\/` stands for a slash in a name."""
    if "\\/" not in path:
        return tuple(path.removeprefix("/").split("/"))
    escaped = path.removeprefix("/").replace("\\/", "\0")
    return tuple(step.replace("\0", "/") for step in escaped.split("/"))


def change_field(
    obj: dict[str, Any], spec: FieldSpec, change: Change, missing: Missing = Missing.NOTHING
) -> None:
    """Replace the field that the spec leads to; in every item of the lists on the way.

    Missing fields are created only where the spec says so, and never behind a list that is
    missing. The caller has checked that the spec selects the object. Raises TransformFailed.
    """
    steps = split_path(spec.path)
    create = missing if spec.create else Missing.NOTHING
    _descend(obj, steps, 0, change, create)


def _descend(node: Any, steps: tuple[str, ...], at: int, change: Change, create: Missing) -> None:
    if isinstance(node, list):
        for item in node:
            _descend(item, steps, at, change, create)
        return
    if node is None or isinstance(node, Blank):
        return
    step = steps[at]
    name = step.removesuffix("[]")
    if not isinstance(node, dict):
        raise TransformFailed(f"field {'/'.join(steps)!r}: expected a mapping or list before {step!r}")
    if not name:
        raise TransformFailed(f"field {'/'.join(steps)!r}: cannot set an empty field name")
    is_list, last = name != step, at + 1 == len(steps)
    if name not in node:
        if not create or is_list:
            return
        node[name] = None if last and create == Missing.SCALAR else {}
    value = node[name]
    if value is None or isinstance(value, Blank):
        value = [] if is_list else {} if create and not (last and create == Missing.SCALAR) else value
        node[name] = value
    if last:
        node[name] = change(value)
    else:
        _descend(value, steps, at + 1, change, create)
