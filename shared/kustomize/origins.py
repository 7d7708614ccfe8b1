"""The annotations that `buildMetadata` asks for: where objects came from, what transformed them."""

import posixpath
from typing import Any

from shared.kustomize.resource import Resource
from shared.logic.go_yaml import YamlError, read_document
from shared.logic.go_yaml_write import write

ORIGIN = "config.kubernetes.io/origin"
TRANSFORMATIONS = "alpha.config.kubernetes.io/transformations"

# An origin as it is written: path, or configuredIn and configuredBy.
Origin = dict[str, Any]


def of_file(directory: str, path: str) -> Origin:
    """The origin of an object read from a file, relative to the directory that is built."""
    return {"path": posixpath.normpath(posixpath.join(directory, path))}


def of_field(directory: str, file_name: str, kind: str) -> Origin:
    """The origin that is a field of a kustomization file, such as its configMapGenerator."""
    return {
        "configuredIn": posixpath.normpath(posixpath.join(directory, file_name)),
        "configuredBy": {"apiVersion": "builtin", "kind": kind},
    }


def of_plugin(config: Resource) -> Origin | None:
    """The origin that is a transformer or generator declared in a file; None if that has none itself."""
    found = read(config)
    if found is None:
        return None
    by = {"apiVersion": config.api_version, "kind": config.kind, "name": config.name}
    if config.namespace:
        by["namespace"] = config.namespace
    return {"configuredIn": found.get("path", ""), "configuredBy": by}


def read(resource: Resource) -> Origin | None:
    text = resource.text_map("annotations").get(ORIGIN)
    if text is None:
        return None
    try:
        value = read_document(text)
    except YamlError:
        return {}
    return value if isinstance(value, dict) else {}


def annotate(resource: Resource, origin: Origin) -> None:
    """Say where an object comes from, unless that is known already."""
    annotations = resource.text_map("annotations")
    if ORIGIN not in annotations:
        resource.set_text_map("annotations", {**annotations, ORIGIN: write(origin, sort_keys=False)})


def add_transformation(resource: Resource, origin: Origin) -> None:
    """Record a transformer; an object without an origin counts as made by it."""
    annotations = resource.text_map("annotations")
    if ORIGIN not in annotations:
        annotate(resource, origin)
        return
    added = write([origin], sort_keys=False)
    resource.set_text_map(
        "annotations", {**annotations, TRANSFORMATIONS: annotations.get(TRANSFORMATIONS, "") + added}
    )
