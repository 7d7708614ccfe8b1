"""OpenAPI documents: schemas from the tables of kinds and from definitions, paths from what is served."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from localcluster.objects import openapi as published
from localcluster.resources.registry import Registry
from localcluster.resources.resource import Resource, Subresource

Document = dict[str, Any]
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_PAGING = ("continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch")
_WATCHING = ("allowWatchBookmarks", "sendInitialEvents", "timeoutSeconds", "watch")
_WRITING = ("dryRun", "fieldManager", "fieldValidation")
_DELETING = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_TYPES = {
    "allowWatchBookmarks": "boolean",
    "force": "boolean",
    "gracePeriodSeconds": "integer",
    "limit": "integer",
    "orphanDependents": "boolean",
    "sendInitialEvents": "boolean",
    "timeoutSeconds": "integer",
    "watch": "boolean",
}
_PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
# verb -> (method, action, query parameters)
_OF_COLLECTION = {
    "list": ("get", "list", (*_PAGING, *_WATCHING)),
    "create": ("post", "post", _WRITING),
    "deletecollection": ("delete", "deletecollection", (*_PAGING, *_DELETING)),
}
_OF_OBJECT = {
    "get": ("get", "get", ()),
    "update": ("put", "put", _WRITING),
    "patch": ("patch", "patch", (*_WRITING, "force")),
    "delete": ("delete", "delete", _DELETING),
    "create": ("post", "connect", _WRITING),
}


def index(registry: Registry) -> Document:
    """/openapi/v3: where the document of each group version is, with a hash of what it says."""
    paths = {}
    for group in registry.groups():
        for version in registry.versions(group):
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            digest = _digest(registry, group, version)
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


def _digest(registry: Registry, group: str, version: str) -> str:
    said = [
        (
            resource.plural,
            resource.kind,
            resource.short_names,
            resource.custom and resource.custom.compiled.structural,
        )
        for resource in registry.resources(group, version)
    ]
    return hashlib.sha256(orjson.dumps([group, version, said])).hexdigest().upper()


def document(registry: Registry, group: str, version: str) -> Document | None:
    """/openapi/v3/apis/GROUP/VERSION; None for an unknown one."""
    resources = registry.resources(group, version)
    if not resources:
        return None
    schemas: Document = {}
    if registry.is_builtin_group(group):
        schemas.update(published.openapi_v3(group, version)["components"]["schemas"])
    if any(resource.custom for resource in resources):
        schemas.update(published.meta_schemas())
    for resource in resources:
        if resource.custom is not None:
            schemas.update(_custom_schemas(resource))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": _paths(resources, version_3=True),
        "components": {"schemas": schemas},
    }


def document_v2(registry: Registry) -> Document:
    """/openapi/v2: everything in one."""
    resources = [r for g in registry.groups() for v in registry.versions(g) for r in registry.resources(g, v)]
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": _paths(resources, version_3=False),
        "definitions": published.openapi_v2_definitions(),
    }


def _custom_schemas(resource: Resource) -> Document:
    assert resource.custom is not None
    schema = resource.custom.compiled.structural or {"type": "object"}
    own = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"allOf": [{"$ref": f"#/components/schemas/{_META}ObjectMeta"}]},
    }
    gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    name = component_name(resource)
    kind = {
        **schema,
        "properties": {**(schema.get("properties") or {}), **own},
        "x-kubernetes-group-version-kind": [gvk],
    }
    listed = {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": f"#/components/schemas/{_META}ListMeta"}]},
            "items": {"type": "array", "items": {"allOf": [{"$ref": f"#/components/schemas/{name}"}]}},
        },
        "x-kubernetes-group-version-kind": [{**gvk, "kind": resource.list_kind}],
    }
    return {name: kind, f"{name}List": listed}


def component_name(resource: Resource) -> str:
    """`com.example.v1.Widget` for a Widget of example.com/v1; the published name for built-in kinds."""
    if resource.custom is None:
        name = published.schema_name(resource.group, resource.version, resource.kind)
        return name or f"{_META}Status"
    reversed_group = ".".join(reversed(resource.group.split(".")))
    return f"{reversed_group}.{resource.version}.{resource.kind}"


def _paths(resources: list[Resource], *, version_3: bool) -> Document:
    paths: Document = {}
    for resource in resources:
        root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
        within = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
        collection = f"{within}/{resource.plural}"
        paths[collection] = _operations(
            resource, _OF_COLLECTION, resource.verbs, collection, version_3=version_3
        )
        if resource.stored:
            one = f"{collection}/{{name}}"
            verbs = tuple(verb for verb in resource.verbs if verb != "create")
            paths[one] = _operations(resource, _OF_OBJECT, verbs, one, version_3=version_3)
        for sub in resource.subresources:
            path = f"{collection}/{{name}}/{sub.name}"
            paths[path] = _operations(
                _shown_as(resource, sub), _OF_OBJECT, sub.verbs, path, version_3=version_3
            )
    return {path: operations for path, operations in paths.items() if operations}


def _shown_as(resource: Resource, sub: Subresource) -> Resource:
    """The kind that a subresource reads and writes."""
    if not sub.version:
        return resource
    return Resource(
        group=sub.group,
        version=sub.version,
        plural=resource.plural,
        kind=sub.kind,
        singular="",
        namespaced=resource.namespaced,
        collection="",
    )


def _operations(
    resource: Resource,
    table: dict[str, tuple[str, str, tuple[str, ...]]],
    verbs: tuple[str, ...],
    path: str,
    *,
    version_3: bool,
) -> Document:
    operations: Document = {}
    for verb in verbs:
        if verb not in table:
            continue
        method, action, parameters = table[verb]
        operation: Document = {
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": {
                "group": resource.group,
                "version": resource.version,
                "kind": resource.kind,
            },
            "parameters": [_parameter(name, version_3=version_3) for name in parameters],
        }
        _describe_bodies(operation, resource, method, version_3=version_3)
        operations[method] = operation
    if operations:
        named = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        operations["parameters"] = [_path_parameter(name, version_3=version_3) for name in named]
    return operations


def _parameter(name: str, *, version_3: bool) -> Document:
    kind = _TYPES.get(name, "string")
    typed: Document = {"schema": {"type": kind, "uniqueItems": True}} if version_3 else {"type": kind}
    return {"name": name, "in": "query", **typed}


def _path_parameter(name: str, *, version_3: bool) -> Document:
    typed: Document = {"schema": {"type": "string"}} if version_3 else {"type": "string"}
    return {"name": name, "in": "path", "required": True, **typed}


def _describe_bodies(operation: Document, resource: Resource, method: str, *, version_3: bool) -> None:
    prefix = "#/components/schemas/" if version_3 else "#/definitions/"
    named = resource.custom is None or version_3
    reference = {"$ref": prefix + component_name(resource)} if named else {"type": "object"}
    if version_3:
        operation["responses"] = {
            "200": {"description": "OK", "content": {"application/json": {"schema": reference}}}
        }
        if method == "patch":
            body = {"schema": {"$ref": f"{prefix}{_META}Patch"}}
            operation["requestBody"] = {"required": True, "content": dict.fromkeys(_PATCHES, body)}
        elif method in ("post", "put"):
            operation["requestBody"] = {"required": True, "content": {"*/*": {"schema": reference}}}
        return
    operation["responses"] = {"200": {"description": "OK", "schema": reference}}
    if method in ("post", "put", "patch"):
        operation["parameters"].append({"name": "body", "in": "body", "required": True, "schema": reference})
