"""The annotations that `buildMetadata` asks for: where objects came from, what transformed them."""

import posixpath
from typing import Any, NamedTuple

from shared.kustomize.errors import RemoteRefused
from shared.kustomize.remote import is_remote, parse_git_address
from shared.kustomize.resource import Resource
from shared.logic.go_yaml import YamlError, read_document
from shared.logic.go_yaml_write import write

ORIGIN = "config.kubernetes.io/origin"
TRANSFORMATIONS = "alpha.config.kubernetes.io/transformations"

# An origin as it is written: path, or configuredIn and configuredBy.
Origin = dict[str, Any]

# What kustomize says of the root of a repository.
_NO_DIRECTORY = "notCloned"


class Place(NamedTuple):
    """A directory as the root names it: relative to the root, or in a repository elsewhere."""

    directory: str = ""
    repository: str = ""
    ref: str = ""

    def joined(self, path: str) -> "Place":
        """What `path` means here; an address leads to its repository."""
        if not is_remote(path):
            return self._replace(directory=posixpath.normpath(posixpath.join(self.directory, path)))
        try:
            address = parse_git_address(path)
        except RemoteRefused:
            return self._replace(directory=path)
        return Place(address.directory or _NO_DIRECTORY, address.url, address.ref)

    def render(self, name: str) -> Origin:
        """With the path under the name given, in the order that kustomize writes."""
        place: Origin = {"path": self.directory} if name == "path" else {}
        if self.repository:
            place["repo"] = self.repository
        if self.ref:
            place["ref"] = self.ref
        return place if name == "path" else place | {name: self.directory}


def of_file(place: Place, path: str) -> Origin:
    """The origin of an object read from a file of that directory."""
    return place.joined(path).render("path")


def of_field(place: Place, file_name: str, kind: str) -> Origin:
    """The origin that is a field of a kustomization file, such as its configMapGenerator."""
    return place.joined(file_name).render("configuredIn") | {
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
