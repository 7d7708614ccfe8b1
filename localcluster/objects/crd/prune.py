"""Decoding of custom resources: unknown fields dropped, defaults filled in, metadata typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from localcluster.objects.decode import (
    IGNORE,
    STRICT,
    Decoded,
    NotDecodable,
    StrictDecodingError,
    check_fields,
)
from localcluster.objects.schema import Schema, object_meta

Json = dict[str, Any]


def decode_custom(
    obj: Any, schema: Schema, raw_duplicates: Sequence[str] = (), directive: str = "Warn"
) -> Decoded:
    """Prunes, checks metadata and defaults; changes nothing of its argument.

    StrictDecodingError if there are complaints and the directive is Strict; NotDecodable where
    metadata has a
    wrong type or the document is no object.
    """
    what = "the document"
    if isinstance(obj, dict):
        version = str(obj.get("apiVersion", "")).rpartition("/")[2]
        what = f'{obj.get("kind", "")} in version "{version}" cannot be handled as a {obj.get("kind", "")}'
    if not isinstance(obj, dict):
        raise NotDecodable(what, "json: cannot unmarshal into Go value of type map[string]interface {}")
    unknown: list[str] = []
    pruned = prune(obj, schema, unknown)
    if "metadata" in obj:
        pruned["metadata"] = _metadata(obj["metadata"], what, unknown)
    complaints = (*raw_duplicates, *(f'unknown field "{path}"' for path in sorted(unknown)))
    if complaints and directive == STRICT:
        raise StrictDecodingError(what, complaints)
    return Decoded(default_custom(pruned, schema), () if directive == IGNORE else complaints)


def _metadata(raw: Any, what: str, unknown: list[str]) -> Json:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise NotDecodable(
            what, "json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta"
        )
    try:
        decoded = check_fields(raw, object_meta())
    except NotDecodable as error:
        raise NotDecodable(what, error.detail) from error
    unknown += [f"metadata.{text.removeprefix('unknown field ')[1:-1]}" for text in decoded.warnings]
    return decoded.obj


def prune(obj: Json, schema: Schema, unknown: list[str]) -> Json:
    """A copy without what the schema does not know; the paths dropped are added to `unknown`."""
    found: Json = _prune(obj, schema, "", unknown)
    return found


def _prune(value: Any, schema: Schema, path: str, unknown: list[str]) -> Any:
    if schema.shape == "any":
        return value
    if isinstance(value, dict):
        return _prune_fields(value, schema, path, unknown)
    if isinstance(value, list) and schema.shape == "list" and schema.element is not None:
        element = schema.element
        return [_prune(item, element, f"{path}[{at}]", unknown) for at, item in enumerate(value)]
    return value


def _prune_fields(value: Json, schema: Schema, path: str, unknown: list[str]) -> Json:
    kept: Json = {}
    fields, element = schema.fields, schema.element
    for key, below in value.items():
        field = fields.get(key, element)
        where = f"{path}.{key}" if path else key
        if field is None:
            unknown.append(where)
        elif type(below) is dict or type(below) is list:
            # Metadata of the object itself is looked at apart; that of embedded objects keeps what it has.
            kept[key] = below if field is object_meta() else _prune(below, field, where, unknown)
        else:
            kept[key] = below
    return kept


def default_custom(obj: Json, schema: Schema) -> Json:
    """Fills in the defaults of the schema, in place, and drops nulls where null is not allowed."""
    _default(obj, schema)
    return obj


def _default(value: Any, schema: Schema) -> None:
    if isinstance(value, dict):
        if schema.shape in {"struct", "map"}:
            _default_fields(value, schema)
    elif isinstance(value, list) and schema.shape == "list" and schema.element is not None:
        for item in value:
            _default(item, schema.element)


def _default_fields(value: Json, schema: Schema) -> None:
    for name, field in schema.fields.items():
        if field.default is not None and value.get(name) is None and not (name in value and field.nullable):
            value[name] = orjson.loads(orjson.dumps(field.default))
    for name in list(value):
        child = schema.fields.get(name, schema.element)
        if child is None or child is object_meta():
            continue
        below = value[name]
        if below is None:
            if name in schema.fields and child.shape != "any" and not child.nullable:
                del value[name]
        else:
            _default(below, child)
