"""From a parsed document to an object of a built-in kind: what the Go types would make of it.

Unknown fields are found and dropped, values converted, empty fields left out or written as the type says.
Custom resources are pruned instead (`crd.prune`); only their metadata passes through here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localcluster.objects import scalars
from localcluster.objects.errors import BadRequest
from localcluster.objects.scalars import NotConvertible
from localcluster.objects.schema import Schema
from localcluster.objects.zero import zero

Json = dict[str, Any]

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"
# The decoder stops collecting after this many complaints about fields.
_MAX_COMPLAINTS = 100


class StrictDecodingError(BadRequest):
    """Unknown or duplicate fields, with fieldValidation=Strict. `complaints` are the single messages."""

    def __init__(self, what: str, complaints: Sequence[str]) -> None:
        self.complaints = tuple(complaints)
        self.detail = "strict decoding error: " + ", ".join(complaints)
        super().__init__(f"{what}: {self.detail}")


class NotDecodable(BadRequest):
    """A value of the wrong type; `detail` is the message without the kind."""

    def __init__(self, what: str, detail: str) -> None:
        self.detail = detail
        super().__init__(f"{what}: {detail}")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The object, and what to warn about."""

    obj: Json
    warnings: tuple[str, ...]


def check_fields(
    obj: Any, schema: Schema, raw_duplicates: Sequence[str] = (), directive: str = WARN
) -> Decoded:
    """Decodes an object of a built-in kind.

    `raw_duplicates` are the complaints of the reader (`reader.Document.duplicates`).
    StrictDecodingError if there
    are complaints and the directive is Strict, NotDecodable where a value has the wrong type.
    """
    complaints: list[str] = []
    what = _what(obj)
    if not isinstance(obj, dict):
        raise NotDecodable(what, f"json: cannot unmarshal {scalars.json_name(obj)} into Go value")
    try:
        decoded = _struct(obj, schema, "", complaints)
    except NotConvertible as error:
        raise NotDecodable(what, str(error)) from error
    found = (*raw_duplicates, *complaints)
    if found and directive == STRICT:
        raise StrictDecodingError(what, found)
    return Decoded(decoded, () if directive == IGNORE else found)


def normalise(obj: Json, schema: Schema) -> Json:
    """The object as its Go type writes it. NotDecodable where a value has the wrong type."""
    return check_fields(obj, schema, (), IGNORE).obj


def _what(obj: Any) -> str:
    kind = obj.get("kind", "") if isinstance(obj, dict) else ""
    version = str(obj.get("apiVersion", "")).rpartition("/")[2] if isinstance(obj, dict) else ""
    return f'{kind} in version "{version}" cannot be handled as a {kind}'


def _struct(value: Json, schema: Schema, path: str, complaints: list[str]) -> Json:
    fields = schema.fields
    found: Json = {}
    for key, below in value.items():
        field = fields.get(key)
        if field is None:
            if len(complaints) < _MAX_COMPLAINTS:
                complaints.append(f'unknown field "{path}{key}"')
            continue
        if below is None:
            continue
        shape = field.shape
        if shape == "scalar":
            below = _scalar(below, field, path, key)  # noqa: PLW2901 - converted in place
        elif shape != "any":
            below = _value(below, field, path + key, complaints)  # noqa: PLW2901 - as above
        if below or field.emit != "nonzero":
            found[key] = below
    for key in _always(schema):
        if key not in found:
            found[key] = None if fields[key].emit == "null" else zero(fields[key])
    return found


def _scalar(value: Any, field: Schema, path: str, key: str) -> Any:
    if field.type == "string" and not field.format and type(value) is str:
        return value
    try:
        return scalars.convert(value, field)
    except NotConvertible as error:
        raise NotConvertible(f"{error} (field {path}{key})") from error


_ALWAYS: dict[int, tuple[str, ...]] = {}


def _always(schema: Schema) -> tuple[str, ...]:
    """The fields that are written whatever they hold. Nodes of built-in kinds live as long as the process."""
    names = _ALWAYS.get(id(schema))
    if names is None:
        names = tuple(name for name, field in schema.fields.items() if field.emit in {"always", "null"})
        _ALWAYS[id(schema)] = names
    return names


def _value(value: Any, schema: Schema, path: str, complaints: list[str]) -> Any:
    """Converts anything; null becomes the zero value, as for items of lists and values of maps."""
    shape = schema.shape
    if shape == "any":
        return value
    if value is None:
        return zero(schema)
    if shape == "scalar":
        return _scalar(value, schema, path, "")
    if shape == "list":
        if not isinstance(value, list):
            raise NotConvertible(
                f"json: cannot unmarshal {scalars.json_name(value)} into Go field {path} of a list type"
            )
        element = schema.element
        if element is None or element.shape == "any":
            return value
        return [_value(item, element, f"{path}[{at}]", complaints) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        raise NotConvertible(
            f"json: cannot unmarshal {scalars.json_name(value)} into Go field {path} of an object type"
        )
    if shape == "struct":
        return _struct(value, schema, path + ".", complaints)
    element = schema.element
    if element is None:
        return value
    return {key: _value(below, element, f"{path}.{key}", complaints) for key, below in value.items()}


def _mismatch(value: Any, path: str) -> NotConvertible:
    return NotConvertible(f"json: cannot unmarshal {scalars.json_name(value)} into Go struct field {path}")
