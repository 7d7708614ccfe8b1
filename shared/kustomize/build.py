"""`kustomize build` as a function: a directory of a tree in, objects out.

Nothing but the files of the tree decides the result: no network, no environment, no clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.kustomize import origins, variables
from shared.kustomize.accumulate import Target
from shared.kustomize.default_config import default_config
from shared.kustomize.errors import LimitExceeded, ResourceInvalid
from shared.kustomize.filesystem import DirectoryTree, Tree
from shared.kustomize.load import Loader, Session
from shared.kustomize.namereference import fix_references
from shared.kustomize.options import Options
from shared.kustomize.order import in_order
from shared.kustomize.plugins import add_hashes
from shared.kustomize.resource import LOCAL_CONFIG, Resource
from shared.logic.go_spelling import plain_json
from shared.logic.go_yaml_write import write

_MANAGED_BY = {"app.kubernetes.io/managed-by": "kustomize-v5.7.1"}
# Annotations by which kustomize and its functions talk to themselves.
_INTERNAL = (
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    "internal.config.kubernetes.io/",
)


@dataclass(frozen=True, slots=True)
class Built:
    """One object of a build.

    `source` is the file (and `line`, 0 if it was generated) that it began in; `overlays` are the
    kustomization files that it went through, innermost first.
    """

    object: dict[str, Any]
    source: str
    line: int
    overlays: tuple[str, ...]

    def shown(self) -> str:
        """`Deployment/web in apps/base/deploy.yaml:12`, for messages."""
        metadata = self.object["metadata"]
        namespace = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{self.object['kind']}/{namespace}{metadata['name']} in {where}"


@dataclass(frozen=True, slots=True)
class Build:
    """The result, in the order to apply it; `files` were read, and `warnings` are for the author."""

    objects: tuple[Built, ...]
    files: int
    warnings: tuple[str, ...] = ()

    def documents(self) -> Iterator[str]:
        """The objects as YAML, one text each, byte for byte as kustomize prints them."""
        return (write(built.object) for built in self.objects)

    def yaml(self) -> str:
        """The whole build as one YAML stream."""
        return "---\n".join(self.documents())


def build(root: Tree | str, path: str = "/", options: Options | None = None) -> Build:
    """Build the kustomization in the directory `path` of `root`, which is a tree or a directory.

    Raises a BuildError, whose message is one line that names the file and the object.
    """
    tree = DirectoryTree(root) if isinstance(root, str) else root
    session = Session(options or Options())
    try:
        return _build(session, tree, path)
    except RecursionError:
        raise LimitExceeded("the kustomization is nested too deeply") from None


def _build(session: Session, tree: Tree, path: str) -> Build:
    target = Target(Loader(session, tree, path), origins.Place())
    target.set_schema()
    gathered = target.accumulate(target.empty())
    resmap = gathered.resmap
    add_hashes(resmap)
    session.check_deadline()
    config = gathered.config or default_config()
    fix_references(resmap.resources, config.name_reference)
    variables.resolve_all(resmap.resources, gathered.known_variables, config.var_reference)
    resmap.changed()
    _require_identities(resmap.resources)
    metadata = target.kustomization.build_metadata
    kept = [resource for resource in resmap.resources if not _is_local(resource)]
    ordered = in_order(kept, target.kustomization.sort_options)
    objects = tuple(_finished(resource, metadata) for resource in ordered)
    return Build(objects, session.files, _warnings(target))


def _is_local(resource: Resource) -> bool:
    return resource.text_map("annotations").get(LOCAL_CONFIG, "false") != "false"


def _require_identities(resources: list[Resource]) -> None:
    for resource in resources:
        if not resource.kind or (not resource.name and not resource.kind.endswith("List")):
            raise ResourceInvalid(f"{resource.shown()}: the object has lost its kind or name")


def _finished(resource: Resource, metadata: list[str]) -> Built:
    """The object as it is printed: annotations are texts, and those of the build itself are gone."""
    if "managedByLabel" in metadata:
        resource.set_text_map("labels", {**resource.text_map("labels"), **_MANAGED_BY})
    if "annotations" in resource.metadata:
        annotations = resource.text_map("annotations")
        if "originAnnotations" not in metadata:
            annotations.pop(origins.ORIGIN, None)
        if "transformerAnnotations" not in metadata:
            annotations.pop(origins.TRANSFORMATIONS, None)
        resource.set_text_map(
            "annotations", {key: value for key, value in annotations.items() if not key.startswith(_INTERNAL)}
        )
    source = resource.source
    return Built(plain_json(resource.obj), source.path, source.line, resource.overlays)


def _warnings(target: Target) -> tuple[str, ...]:
    fields = {
        "bases": target.kustomization.bases,
        "imageTags": target.kustomization.image_tags,
        "patchesJson6902": target.kustomization.patches_json6902,
        "patchesStrategicMerge": target.kustomization.patches_strategic_merge,
        "vars": target.kustomization.variables,
        "commonLabels": target.kustomization.common_labels,
    }
    instead = {
        "bases": "resources",
        "imageTags": "images",
        "vars": "replacements",
        "commonLabels": "labels",
    }
    return tuple(
        f"{target.path}: {name!r} is deprecated, use {instead.get(name, 'patches')!r} instead"
        for name, value in fields.items()
        if value
    )
