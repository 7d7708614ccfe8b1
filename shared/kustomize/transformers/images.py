"""Give container images other names, tags and digests."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from shared.kustomize.config import SpecsByKind
from shared.kustomize.errors import KustomizationInvalid, TransformFailed
from shared.kustomize.fieldspec import FieldSpec, change_field
from shared.kustomize.model import Image
from shared.kustomize.resmap import ResMap
from shared.kustomize.selectors import compiled_regex
from shared.logic.go_spelling import Blank, scalar_text

_CONTAINERS = ("containers", "initContainers")
_REFERENCE = "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?"
# A name of these characters alone is a pattern that Python's own engine matches in linear time.
_SIMPLE = re.compile(r"[\w.:/@-]*", re.ASCII)


def set_images(resmap: ResMap, images: Sequence[Image], specs: Iterable[FieldSpec]) -> None:
    """Apply the entries in order: in every list of containers, and where the specs lead to."""
    if not images:
        return
    by_kind = SpecsByKind(specs)
    changes = [_changing(image) for image in images]
    for resource in resmap.resources:
        if resource.kind == "CustomResourceDefinition":
            continue
        containers = list(_containers(resource.obj))
        at_specs = by_kind.of(resource.gvk)
        for change in changes:
            for container in containers:
                if isinstance(container.get("image"), str):
                    container["image"] = change(container["image"])
            for spec in at_specs:
                try:
                    change_field(resource.obj, spec, change)
                except TransformFailed as error:
                    raise TransformFailed(f"{resource.shown()}: images: {error}") from error


def _containers(node: Any) -> Iterable[dict[str, Any]]:
    """Every item of every list called containers or initContainers, however deep."""
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list):
            yield from _containers(value)
    if isinstance(node, dict):
        for field in _CONTAINERS:
            found = node.get(field)
            if isinstance(found, list):
                yield from (item for item in found if isinstance(item, dict))


def _changing(image: Image) -> Callable[[Any], Any]:
    matches = _name_matcher(image.name)

    def change(value: Any) -> Any:
        if value is None or isinstance(value, Blank):
            value = ""
        if isinstance(value, dict | list):
            raise TransformFailed("an image must be a text")
        text = scalar_text(value)
        return renamed(text, image) if matches(text) else value

    return change


@lru_cache(maxsize=256)
def _name_matcher(name: str) -> Callable[[str], bool]:
    pattern = f"{name}{_REFERENCE}"
    if _SIMPLE.fullmatch(name) is not None:
        simple = re.compile(pattern)
        return lambda text: simple.fullmatch(text) is not None
    try:
        compiled = compiled_regex(pattern)
    except KustomizationInvalid:
        return lambda _text: False  # to kustomize such a name is the name of no image
    return lambda text: compiled.fullmatch(text) is not None


def renamed(reference: str, image: Image) -> str:
    """The reference with the parts that the entry sets; a new tag or digest replaces both."""
    name, tag, digest = split_reference(reference)
    name = image.new_name or name
    if image.new_tag or image.digest:
        tag, digest = image.new_tag, image.digest
    elif image.tag_suffix:
        tag, digest = tag + image.tag_suffix, ""
    return f"{name}{':' + tag if tag else ''}{'@' + digest if digest else ''}"


def split_reference(reference: str) -> tuple[str, str, str]:
    """(name, tag, digest) of an image reference; a port belongs to the name."""
    slash = max(reference.find("/"), 0)
    at, colon = reference.find("@", slash), reference.find(":", slash)
    if at < 0 and colon < 0:
        return reference, "", ""
    if at >= 0 and (colon < 0 or at < colon):
        return reference[:at], "", reference[at + 1 :]
    if at >= 0:
        return reference[:colon], reference[colon + 1 : at], reference[at + 1 :]
    return reference[:colon], reference[colon + 1 :], ""
