"""Valid objects with the interesting difference visible: pass only what the test is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.model.meta import Condition

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


def kustomization(name: str = "web", namespace: str = "apps", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": 1,
            "uid": f"uid-{name}",
            "resourceVersion": "1",
        },
        "spec": {"interval": "10m", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "repo"}}
        | spec,
    }


def git_repository(name: str = "repo", namespace: str = "apps", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": 1,
            "uid": f"uid-{name}",
            "resourceVersion": "1",
        },
        "spec": {"interval": "1m", "url": "https://git.example.com/repo"} | spec,
    }


def condition(
    kind: str, status: str = "True", reason: str = "Succeeded", message: str = "", generation: int = 1
) -> Condition:
    return Condition(kind, status, reason, message, LONG_AGO, generation)


def config_map(name: str = "config", namespace: str = "apps", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }
