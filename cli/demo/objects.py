"""The objects that the demo applies, as a user would write them in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.model.kinds import (
    ALERT,
    GIT_REPOSITORY,
    HELM_RELEASE,
    IMAGE_POLICY,
    IMAGE_REPOSITORY,
    IMAGE_UPDATE_AUTOMATION,
    KUSTOMIZATION,
    OCI_REPOSITORY,
    PROVIDER,
    Resource,
)
from shared.model.meta import Object

HOME = "flux-system"
APP = "shop"
_SHOP = {"kind": "GitRepository", "name": APP}


def git_repository(url: str) -> Object:
    return _object(GIT_REPOSITORY, {"interval": "10s", "url": url, "ref": {"branch": "main"}})


def kustomization() -> Object:
    spec = {
        "interval": "10m",
        "retryInterval": "10s",
        "path": "./deploy",
        "prune": True,
        "wait": True,
        "sourceRef": _SHOP,
    }
    return _object(KUSTOMIZATION, spec)


def provider(address: str) -> Object:
    return _object(PROVIDER, {"type": "slack", "channel": "deploys", "address": address}, "chat")


def alert() -> Object:
    spec = {
        "providerRef": {"name": "chat"},
        "eventSeverity": "info",
        "eventSources": [{"kind": "Kustomization", "name": APP}],
    }
    return _object(ALERT, spec)


def helm_release() -> Object:
    spec = {
        "interval": "10m",
        "chart": {"spec": {"chart": "./charts/visitors", "sourceRef": _SHOP}},
        "targetNamespace": APP,
        "releaseName": "visitors",
        "values": {"every": "5s"},
    }
    return _object(HELM_RELEASE, spec, "visitors")


def oci_repository(host: str) -> Object:
    spec = {
        "interval": "10m",
        "url": f"oci://{host}/prices",
        "ref": {"semver": ">=1.0.0"},
        "insecure": True,
    }
    return _object(OCI_REPOSITORY, spec, "prices")


def oci_kustomization() -> Object:
    source = {"kind": "OCIRepository", "name": "prices"}
    spec = {"interval": "10m", "prune": True, "wait": True, "targetNamespace": APP, "sourceRef": source}
    return _object(KUSTOMIZATION, spec, "prices")


def image_repository(host: str) -> Object:
    return _object(IMAGE_REPOSITORY, {"interval": "10m", "image": f"{host}/shop", "insecure": True})


def image_policy() -> Object:
    spec = {"imageRepositoryRef": {"name": APP}, "policy": {"semver": {"range": "1.x"}}}
    return _object(IMAGE_POLICY, spec)


def image_update_automation() -> Object:
    commit = {
        "author": {"name": "Headwater", "email": "headwater@example.com"},
        "messageTemplate": "{{ range .Changed.Changes }}Run shop {{ .NewValue }}{{ end }}",
    }
    spec = {
        "interval": "10m",
        "sourceRef": _SHOP,
        "git": {"commit": commit},
        "update": {"path": "./deploy", "strategy": "Setters"},
    }
    return _object(IMAGE_UPDATE_AUTOMATION, spec)


def _object(resource: Resource, spec: Mapping[str, Any], name: str = APP) -> Object:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name, "namespace": HOME},
        "spec": dict(spec),
    }
