"""Apply patches: strategic merge or JSON, to the object they name or to all that a target selects."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.kustomize import jsonpatch
from shared.kustomize.errors import BuildError, PatchFailed, ResourceInvalid
from shared.kustomize.merge.schema import Schema
from shared.kustomize.merge.strategic import merge
from shared.kustomize.model import Patch
from shared.kustomize.options import Limits
from shared.kustomize.reading import read_resources
from shared.kustomize.resmap import ResMap
from shared.kustomize.resource import Resource
from shared.kustomize.selectors import Selector
from shared.logic.go_spelling import plain_json
from shared.logic.go_yaml import YamlError, read_document

ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class LoadedPatch:
    """A patch as read: either objects to merge, or operations; both empty for comments alone."""

    shown: str
    objects: tuple[Resource, ...] = ()
    operations: tuple[jsonpatch.Operation, ...] = ()
    allow_name_change: bool = False
    allow_kind_change: bool = False


def load_patch(patch: Patch, read: ReadFile, limits: Limits, where: str) -> LoadedPatch:
    """Read one entry of `patches`. Raises PatchFailed."""
    text = patch.patch.strip()
    if not text and not patch.path:
        raise PatchFailed(f"{where}: must specify one of patch and path")
    if text and patch.path:
        raise PatchFailed(f"{where}: patch and path can't be set at the same time")
    shown = patch.path or f"{where} (inline patch)"
    content: bytes | str = text or read(patch.path)
    operations = _operations(content, shown, limits)
    if operations is not None:
        return LoadedPatch(shown, operations=tuple(operations))
    try:
        objects = read_resources(content, shown, limits.yaml)
    except ResourceInvalid as error:
        raise PatchFailed(f"unable to parse SM or JSON patch from {shown}: {error}") from error
    return LoadedPatch(
        shown,
        objects=tuple(objects),
        allow_name_change=patch.allow_name_change,
        allow_kind_change=patch.allow_kind_change,
    )


def _operations(content: bytes | str, shown: str, limits: Limits) -> list[jsonpatch.Operation] | None:
    """The operations of a JSON patch; None if it is none."""
    start = content[:4096] if isinstance(content, str) else content[:4096].decode("utf-8", "replace")
    first = next((line for line in start.splitlines() if line.strip() and line.strip()[0] != "#"), "")
    if not first.lstrip().startswith(("[", "-", "%", "!", "&", "\ufeff")):
        return None
    try:
        value = _read_operations(content, limits)
    except (YamlError, ValueError, RecursionError) as error:
        raise PatchFailed(f"unable to parse SM or JSON patch from {shown}: {error}") from error
    return (
        jsonpatch.parse_operations(value, shown, limits.patch_operations) if isinstance(value, list) else None
    )


def _read_operations(content: bytes | str, limits: Limits) -> Any:
    """What begins with a bracket is JSON to kustomize; anything else is YAML."""
    if content[:1] in ("[", b"["):
        return json.loads(content)
    return read_document(content, limits=limits.yaml)


def apply_patch(resmap: ResMap, patch: LoadedPatch, target: Selector | None, schema: Schema) -> None:
    """Apply a loaded patch. Raises PatchFailed, DuplicateResource."""
    if patch.operations:
        if target is None:
            raise PatchFailed(f"must specify a target for JSON patch {patch.shown}")
        selected = resmap.select(target)
        for resource in selected:
            resource.remember_name()
            # kustomize keeps its notes in the annotations, so a patch finds that mapping in any object.
            if not resource.text_map("annotations"):
                resource.metadata["annotations"] = {}
        apply_operations(selected, patch.operations, patch.shown)
        return
    if not patch.objects:
        return
    if target is None:
        for given in patch.objects:
            # kustomize notes these permissions in the patch's annotations.
            noted = patch.allow_name_change or patch.allow_kind_change
            item = _with_texts(given, ("annotations",)) if noted else given
            found = resmap.by_any_id(
                item.original_id, f"{patch.shown}: no resource matches strategic merge patch"
            )
            _merge_into(found, item, patch, schema)
        return
    if len(patch.objects) > 1:
        raise PatchFailed(
            f"{patch.shown}: Multiple Strategic-Merge Patches in one `patches` entry is not allowed "
            "to set `patches.target` field"
        )
    _merge_into_all(resmap, resmap.select(target), patch, schema)


def _merge_into_all(resmap: ResMap, selected: Sequence[Resource], patch: LoadedPatch, schema: Schema) -> None:
    for resource in selected:
        item = _with_texts(patch.objects[0])
        item.obj["apiVersion"] = resource.api_version
        _merge_into(resource, item, patch, schema)
    if selected:
        resmap.changed()
        resmap.require_distinct(f"{patch.shown}: the patch makes ids collide")


def apply_merge_patches(resmap: ResMap, patches: Sequence[Resource], schema: Schema) -> None:
    """Apply `patchesStrategicMerge`: each to the one object that it names. Raises PatchFailed."""
    for patch in patches:
        shown = str(patch.source)
        found = resmap.by_any_id(patch.original_id, f"{shown}: failed to find unique target for patch")
        _merge_into(found, _with_texts(patch), LoadedPatch(shown), schema)
        resmap.changed()


def _with_texts(item: Resource, fields: Sequence[str] = ("labels", "annotations")) -> Resource:
    """A copy as kustomize makes it for a set of objects: its labels and annotations are texts.

    So a null there does not delete, it is the text "null".
    """
    copy = Resource({**item.obj, "metadata": dict(item.metadata)}, item.source)
    for field in fields:
        if field in copy.metadata:
            copy.set_text_map(field, item.text_map(field))
    return copy


def _merge_into(resource: Resource, item: Resource, patch: LoadedPatch, schema: Schema) -> None:
    """Merge, but keep kind, name and namespace unless the patch is allowed to change them."""
    name, namespace, kind = resource.metadata.get("name"), resource.namespace, resource.obj.get("kind")
    if patch.allow_name_change or patch.allow_kind_change:
        resource.remember_name()
    # A custom kind is merged as the kind that the patch names, if that one is known.
    node = schema.of(resource.api_version, resource.kind) or schema.of(item.api_version, item.kind)
    try:
        resource.obj = merge(resource.obj, item.obj, node)
    except BuildError as error:
        raise type(error)(f"{resource.shown()}: applying {patch.shown}: {error}") from error
    if not resource.obj:
        return
    if not patch.allow_kind_change:
        resource.obj["kind"] = kind
    metadata = resource.obj.get("metadata")
    if not isinstance(metadata, dict):
        metadata = resource.obj["metadata"] = {}
    if not patch.allow_name_change:
        metadata["name"] = name
    resource.set_namespace(namespace)


def load_operations(patch: Patch, read: ReadFile, limits: Limits, where: str) -> LoadedPatch:
    """Read one entry of `patchesJson6902`. Raises PatchFailed."""
    if patch.target is None:
        raise PatchFailed(f"{where}: must specify a target for the patch")
    if not patch.path and not patch.patch:
        raise PatchFailed(f"{where}: empty file path and empty jsonOp")
    if patch.path and patch.patch:
        raise PatchFailed(f"{where}: must specify a file path or jsonOp, not both")
    shown = patch.path or f"{where} (inline patch)"
    try:
        value = _read_operations(patch.patch or read(patch.path), limits)
    except (YamlError, ValueError, RecursionError) as error:
        raise PatchFailed(f"{shown}: {error}") from error
    if value in (None, []):
        raise PatchFailed(f"{shown}: patch appears to be empty")
    return LoadedPatch(
        shown, operations=tuple(jsonpatch.parse_operations(value, shown, limits.patch_operations))
    )


def apply_operations(
    selected: Sequence[Resource], operations: Sequence[jsonpatch.Operation], shown: str
) -> None:
    """Apply a JSON patch to objects. Raises PatchFailed."""
    for resource in selected:
        try:
            patched: Any = jsonpatch.apply(plain_json(resource.obj), operations)
        except PatchFailed as error:
            raise PatchFailed(f"{resource.shown()}: applying {shown}: {error}") from error
        if not isinstance(patched, dict):
            raise PatchFailed(f"{resource.shown()}: {shown} leaves no object")
        resource.obj = patched
