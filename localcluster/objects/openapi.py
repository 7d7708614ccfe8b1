"""The published form of the built-in types: components of OpenAPI v3 documents, definitions of v2.

Made from the generated table when somebody asks (`kubectl explain`, client-side validation). paths
of the documents belong to whoever knows which resources are served.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from localcluster.objects.table import load, table

Json = dict[str, Any]

_V3 = "#/components/schemas/"
_V2 = "#/definitions/"
_HIDDEN = ("x-emit",)


def openapi_v3(group: str, version: str) -> Json:
    """`{"components": {"schemas": {...}}}` for one group and version and all it refers to."""
    prefix = f"{group}/{version}/" if group else f"{version}/"
    roots = [n for key, n in table()["kinds"].items() if key.startswith(prefix) and _of_group(key, group)]
    return {"components": {"schemas": _published(_reachable(roots), _V3)}}


def openapi_v2_definitions() -> Json:
    """All definitions, as the `definitions` of an OpenAPI v2 document."""
    return _published(list(table()["definitions"]), _V2)


def schema_name(group: str, version: str, kind: str) -> str | None:
    """The component name of a built-in kind, such as `io.k8s.api.apps.v1.Deployment`."""
    found: str | None = table()["kinds"].get("/".join(part for part in (group, version, kind) if part))
    return found


def meta_schemas() -> Json:
    """The v3 components that the schemas and paths of any custom resource refer to."""
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
    roots = [meta + name for name in ("ObjectMeta", "ListMeta", "DeleteOptions", "Status", "Patch")]
    return _published(_reachable(roots), _V3)


def _of_group(key: str, group: str) -> bool:
    return bool(group) or key.count("/") == 1


def _reachable(roots: list[str]) -> list[str]:
    definitions = table()["definitions"]
    found: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            _collect(definitions[name], todo)
    return sorted(found)


def _collect(schema: object, into: list[str]) -> None:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                into.append(value)
            else:
                _collect(value, into)


@cache
def _texts() -> Json:
    return load("texts.json.gz")


def _published(names: list[str], prefix: str) -> Json:
    definitions, texts = table()["definitions"], _texts()
    return {name: _document(definitions[name], texts[name], prefix) for name in names}


def _document(source: Json, texts: list[Any], prefix: str) -> Json:
    document: Json = _rewrite(source, prefix)
    if texts[0]:
        document["description"] = texts[0]
    for field, text in texts[1].items():
        document["properties"][field] = _described(document["properties"][field], text)
    return document


def _described(schema: Json, text: str) -> Json:
    if "$ref" in schema and "allOf" not in schema:
        # A reference may have no siblings in OpenAPI v3.0; the genuine document wraps it alike.
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**rest, "description": text, "allOf": [{"$ref": schema["$ref"]}]}
    return {**schema, "description": text}


def _rewrite(source: Any, prefix: str) -> Any:
    if isinstance(source, list):
        return [_rewrite(one, prefix) for one in source]
    if not isinstance(source, dict):
        return source
    return {
        key: prefix + value if key == "$ref" and isinstance(value, str) else _rewrite(value, prefix)
        for key, value in source.items()
        if key not in _HIDDEN
    }
