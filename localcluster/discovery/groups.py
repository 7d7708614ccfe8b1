"""Discovery documents as pure functions of the registry."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from localcluster.resources.registry import Registry
from localcluster.resources.resource import Resource, Subresource

Document = dict[str, Any]


def core_versions(address: str) -> Document:
    """/api"""
    served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}


def group_list(registry: Registry) -> Document:
    """/apis"""
    groups = [_group(registry, name) for name in registry.groups() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def one_group(registry: Registry, name: str) -> Document | None:
    """/apis/GROUP, or None for an unknown one."""
    if not registry.versions(name):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(registry, name)}


def _group(registry: Registry, name: str) -> Document:
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version} for version in registry.versions(name)
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(registry: Registry, group: str, version: str) -> Document | None:
    """/api/v1 or /apis/GROUP/VERSION, or None for an unknown one."""
    if version not in registry.versions(group):
        return None
    listed: list[Document] = []
    for resource in registry.resources(group, version):
        listed.append(_resource(resource))
        listed.extend(_subresource(resource, sub) for sub in resource.subresources)
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _resource(resource: Resource) -> Document:
    listed: Document = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        listed["shortNames"] = list(resource.short_names)
    if resource.categories:
        listed["categories"] = list(resource.categories)
    if resource.stored and "create" in resource.verbs:
        listed["storageVersionHash"] = _storage_hash(resource)
    return listed


def _storage_hash(resource: Resource) -> str:
    text = f"{resource.group}/{resource.version}/{resource.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _subresource(resource: Resource, sub: Subresource) -> Document:
    listed: Document = {
        "name": f"{resource.plural}/{sub.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
    }
    if sub.version:
        listed |= {"group": sub.group, "version": sub.version}
    return {**listed, "kind": sub.kind or resource.kind, "verbs": list(sub.verbs)}


def aggregated(registry: Registry, *, core: bool) -> Document:
    """/api or /apis as APIGroupDiscoveryList: everything in one answer."""
    names = [name for name in registry.groups() if (name == "") is core]
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [_aggregated_version(registry, name, version) for version in registry.versions(name)],
        }
        for name in names
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(registry: Registry, group: str, version: str) -> Document:
    resources = [_aggregated_resource(resource) for resource in registry.resources(group, version)]
    return {"version": version, "resources": resources, "freshness": "Current"}


def _aggregated_resource(resource: Resource) -> Document:
    # Built-in kinds leave their own group and version out here; clients take them from the context.
    group, version = (resource.group, resource.version) if resource.custom else ("", "")
    listed: Document = {
        "resource": resource.plural,
        "responseKind": {"group": group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        listed["shortNames"] = list(resource.short_names)
    if resource.categories:
        listed["categories"] = list(resource.categories)
    if resource.subresources:
        listed["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": {
                    "group": sub.group or group,
                    "version": sub.version or version,
                    "kind": sub.kind or resource.kind,
                },
                "verbs": list(sub.verbs),
            }
            for sub in resource.subresources
        ]
    return listed
