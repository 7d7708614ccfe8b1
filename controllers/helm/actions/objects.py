"""From the text of a manifest to objects, and to where they live in the cluster.

Before: the engine rendered, or a record was read. After: apply.py writes the objects, wait.py waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.helm.actions.errors import ObjectsFailed
from controllers.helm.actions.toolbox import Tools
from shared.kube.errors import KubeError
from shared.kube.parallel import each
from shared.logic.go_yaml import YamlError, read_documents
from shared.logic.owner import metadata_map, with_metadata
from shared.model.kinds import Resource
from shared.model.meta import GroupKind, Object, ObjectKey, ObjectRef

MANAGED_BY = "app.kubernetes.io/managed-by"
RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
MANAGER = "Helm"

_POLICY = "helm.sh/resource-policy"
_KEEP = "keep"
_SHOWN = 100


class ManifestUnusable(Exception):
    """The text is not YAML, or a document of it is no Kubernetes object."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An object and where it lives; `ref` and `key` have no namespace where the kind has none."""

    ref: ObjectRef
    resource: Resource
    key: ObjectKey
    desired: Object

    @property
    def identity(self) -> tuple[GroupKind, ObjectKey]:
        """Equal for two descriptions of the same object, whatever their versions."""
        return self.resource.group_kind, self.key

    @property
    def kind(self) -> str:
        return self.ref.kind


async def objects_of(manifest: str) -> list[Object]:
    """The objects of a manifest in its order; lists are unfolded. Raises ManifestUnusable."""
    return await asyncio.to_thread(read_objects, manifest)


def read_objects(manifest: str) -> list[Object]:
    """`objects_of` for those who are in a thread already."""
    try:
        documents = read_documents(manifest)
    except YamlError as error:
        raise ManifestUnusable(f"the manifest is not YAML: {error}") from error
    return [obj for document in documents for obj in _unfolded(document.value, document.line)]


def _unfolded(value: Any, line: int) -> list[Object]:
    if value is None or value == {}:
        return []
    if not isinstance(value, dict):
        raise ManifestUnusable(f"line {line}: not a Kubernetes object: expected a mapping")
    kind = value.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items", 0), list | None):
        return [obj for item in value["items"] or () for obj in _unfolded(item, line)]
    _require_identity(value, line)
    return [value]


def _require_identity(obj: Mapping[str, Any], line: int) -> None:
    metadata = obj.get("metadata")
    named = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "metadata.name": metadata.get("name") if isinstance(metadata, Mapping) else None,
    }
    for field, text in named.items():
        if not isinstance(text, str) or not text:
            raise ManifestUnusable(f"line {line}: {str(named['kind'])[:_SHOWN]} has no usable {field}")
    assert isinstance(metadata, Mapping)
    if not isinstance(metadata.get("namespace") or "", str):
        raise ManifestUnusable(f"line {line}: {named['metadata.name']} has no usable metadata.namespace")
    for field in ("labels", "annotations"):
        words = metadata.get(field) or {}
        if not isinstance(words, Mapping):
            raise ManifestUnusable(f"line {line}: metadata.{field} of {named['metadata.name']} is no mapping")


def owned(obj: Object, release: str, namespace: str) -> Object:
    """The object with the words by which Helm knows what belongs to a release."""
    return with_metadata(
        obj,
        labels={MANAGED_BY: MANAGER},
        annotations={RELEASE_NAME: release, RELEASE_NAMESPACE: namespace},
    )


def is_kept(obj: Mapping[str, Any]) -> bool:
    """`helm.sh/resource-policy: keep`: never deleted by an action."""
    return str(metadata_map(obj, "annotations").get(_POLICY, "")).strip().lower() == _KEEP


async def place(tools: Tools, objects: Iterable[Object], namespace: str) -> list[Placed]:
    """Where the objects live; `namespace` is for those which name none. Raises ObjectsFailed.

    Kinds are watched from now on, so that those who wait for the objects are woken.
    """

    async def find(obj: Object) -> Placed | str:
        try:
            resource = await tools.discovery.resource_of(ObjectRef.of(obj))
        except KubeError as error:
            return f"{_shown(obj)}: {error}"
        return _placed(obj, resource, namespace)

    found = await each(objects, find, at_once=tools.concurrency)
    problems = [item for item in found if isinstance(item, str)]
    if problems:
        raise ObjectsFailed.of(problems)
    placed = [item for item in found if isinstance(item, Placed)]
    for resource in {item.resource for item in placed}:
        tools.tracker.need(tools.owner, resource)
    return placed


async def place_recorded(tools: Tools, objects: Sequence[Object], namespace: str) -> list[Placed]:
    """Where objects of an old record live today, perhaps in a newer version of their group.

    What no version serves any more cannot exist, and is left out. Raises KubeError.
    """

    async def find(obj: Object) -> Placed | None:
        resource = await tools.discovery.find_resource(ObjectRef.of(obj))
        return _placed(obj, resource, namespace) if resource is not None else None

    found = await each(objects, find, at_once=tools.concurrency)
    for obj, item in zip(objects, found, strict=True):
        if item is None:
            tools.on_stage(f"{_shown(obj)} is of a kind that the cluster does not serve any more")
    return [item for item in found if item is not None]


def _placed(obj: Object, resource: Resource, namespace: str) -> Placed:
    # Tools that print objects print an empty creationTimestamp, too; it is not ours to set.
    left_out = ("namespace", "creationTimestamp")
    metadata = {key: value for key, value in obj["metadata"].items() if key not in left_out}
    where = (obj["metadata"].get("namespace") or namespace) if resource.namespaced else ""
    if where:
        metadata["namespace"] = where
    ref = ObjectRef(resource.api_version, resource.kind, where, metadata["name"])
    return Placed(ref, resource, ref.key, {**obj, "metadata": metadata})


def _shown(obj: Mapping[str, Any]) -> str:
    metadata = obj["metadata"]
    namespace = metadata.get("namespace")
    return (
        f"{obj['kind']}/{namespace}/{metadata['name']}" if namespace else f"{obj['kind']}/{metadata['name']}"
    )
