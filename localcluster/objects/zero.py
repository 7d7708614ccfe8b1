"""The object a built-in kind starts from: what its Go type encodes to before anything is set.

Compared with it, a created object shows which fields its creator set: a struct that is always written
is not
itself a field that somebody set.
"""

from __future__ import annotations

from typing import Any

from localcluster.objects.schema import Schema

_ZEROS = {"string": "", "integer": 0, "number": 0, "boolean": False}
_OWN = {"quantity": "0", "int-or-string": 0}

_CACHE: dict[str, dict[str, Any]] = {}


def zero_object(schema: Schema) -> dict[str, Any]:
    """The empty object of a kind; `{}` for custom resources. Shared: not to be changed."""
    if not schema.name:
        return {}
    found = _CACHE.get(schema.name)
    if found is None:
        found = _CACHE[schema.name] = zero(schema)
    return found


def zero(schema: Schema) -> Any:
    """The JSON of a Go zero value."""
    if schema.shape == "struct":
        written = ((name, field) for name, field in schema.fields.items() if field.emit in {"always", "null"})
        return {name: None if field.emit == "null" else zero(field) for name, field in written}
    if schema.shape == "scalar":
        return _OWN.get(schema.format) if schema.format in _OWN else _ZEROS.get(schema.type)
    return None
