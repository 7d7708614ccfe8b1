"""The manifests under deploy/ as Python values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
CONTROLLERS = (
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "image-automation-controller",
    "notification-controller",
)
CRD_FILES = sorted(DEPLOY.glob("crds/*/*.fluxcd.io.yaml"))

Object = dict[str, Any]


def documents(path: Path) -> list[Object]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def objects_below(folder: Path) -> list[Object]:
    """Every object in the files of a folder, kustomization files left out."""
    files = sorted(path for path in folder.rglob("*.yaml") if path.name != "kustomization.yaml")
    return [document for path in files for document in documents(path)]


def deployment(controller: str) -> Object:
    return documents(DEPLOY / "parts" / controller / "deployment.yaml")[0]


def crd(plural: str) -> Object:
    path = next(path for path in CRD_FILES if path.name.startswith(f"{plural}."))
    return documents(path)[0]


def schema(definition: Object) -> Object:
    version = definition["spec"]["versions"][0]
    found: Object = version["schema"]["openAPIV3Schema"]
    return found


def nodes(node: Object, path: str = "") -> Iterator[tuple[str, Object]]:
    """Every schema in a schema with its path; `[]` stands for an item and `{}` for a value of a map."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}" if path else name)
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from nodes(node["additionalProperties"], f"{path}{{}}")
