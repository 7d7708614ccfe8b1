"""What a Kustomization's spec changes in the kustomization file (specs/kustomize.md 5.2)."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.kustomize.errors import BuildError, FileMissing, KustomizationInvalid
from shared.kustomize.filesystem import Tree

Json = dict[str, Any]

_REMOTE = ("git::", "gh:", "ssh://", "http://", "https://", "git@", "github.com:", "github.com/", "file:///")


@dataclass(frozen=True, slots=True)
class Mutation:
    """The fields of the spec that reach the build. Patches and images are as in the custom resource."""

    target_namespace: str = ""
    name_prefix: str = ""
    name_suffix: str = ""
    patches: Sequence[Json] = ()
    components: Sequence[str] = ()
    ignore_missing_components: bool = False
    images: Sequence[Json] = ()
    build_metadata: Sequence[str] = field(default=())


def mutate(kustomization: Mapping[str, Any], mutation: Mutation, tree: Tree, directory: str) -> Json:
    """A kustomization with the spec's fields in it; the argument is left as it is.

    `directory` is where its components are looked for. A kustomization without resources gets
    `buildMetadata: [originAnnotations]`, as Flux does it so that it does not count as empty.
    Raises KustomizationInvalid for a component that is not local and relative.
    """
    result: Json = {key: value for key, value in kustomization.items() if value is not None}
    if not result.get("resources"):
        result["buildMetadata"] = ["originAnnotations"]
    for name, value in (
        ("namespace", mutation.target_namespace),
        ("namePrefix", mutation.name_prefix),
        ("nameSuffix", mutation.name_suffix),
    ):
        if value:
            result[name] = value
    if mutation.patches:
        result["patches"] = [*_list(result, "patches"), *(_patch(patch) for patch in mutation.patches)]
    components = [path for path in mutation.components if _is_wanted(path, mutation, tree, directory)]
    if components:
        result["components"] = [*_list(result, "components"), *components]
    if mutation.images:
        result["images"] = _images(_list(result, "images"), mutation.images)
    if mutation.build_metadata:
        result["buildMetadata"] = list(mutation.build_metadata)
    return result


def _list(kustomization: Json, name: str) -> list[Any]:
    value = kustomization.get(name) or []
    if not isinstance(value, list):
        raise KustomizationInvalid(f"{name}: expected a list")
    return value


def _patch(patch: Json) -> Json:
    return {key: patch[key] for key in ("patch", "target") if patch.get(key) is not None}


def _is_wanted(path: str, mutation: Mutation, tree: Tree, directory: str) -> bool:
    if path.startswith(("/", *_REMOTE)):
        raise KustomizationInvalid(f"component path '{path}' must be local and relative")
    if not mutation.ignore_missing_components:
        return True
    try:
        tree.resolve(posixpath.join(directory, path))
    except FileMissing:
        return False
    except BuildError:
        return True  # the build says what is wrong with it
    return True


def _images(known: list[Any], changes: Sequence[Json]) -> list[Json]:
    """The images of the file, each changed by the spec's entry of the same name; the others follow."""
    result = [dict(image) for image in known if isinstance(image, dict)]
    for change in changes:
        entry = next((image for image in result if image.get("name") == change["name"]), None)
        if entry is None:
            result.append({key: value for key, value in change.items() if value})
            continue
        if change.get("newName"):
            entry["newName"] = change["newName"]
        if change.get("newTag") or change.get("digest"):
            for key in ("newTag", "digest"):
                entry.pop(key, None)
                if change.get(key):
                    entry[key] = change[key]
    return result
