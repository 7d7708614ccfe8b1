"""Change what a chart rendered before it is stored and applied (specs/helm.md 14). Pure; takes CPU.

Kustomize patches and images in their order, then common labels and annotations, then the labels that
say which HelmRelease it is of, which nobody can override.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from controllers.helm.actions.objects import ManifestUnusable, read_objects
from controllers.helm.actions.requests import PostRender, PostRenderStrategy
from shared.charts.errors import ChartError
from shared.charts.hooks import Arranged, arrange, by_source
from shared.charts.rendered import Rendered
from shared.logic.go_yaml import read_document
from shared.logic.go_yaml_write import write
from shared.logic.owner import metadata_map, with_metadata
from shared.model.meta import Object

_SOURCE = "postrenderer.helm.sh/postrender-filename"


class PostRenderFailed(Exception):
    """A document that is no object, or a patch that does not fit."""


@dataclass(frozen=True, slots=True)
class _Document:
    """An object, and the template that it is from."""

    source: str
    object: Object


async def post_rendered(rendered: Rendered, spec: PostRender) -> Rendered:
    """The chart's manifest and hooks, changed. Raises PostRenderFailed."""
    return await asyncio.to_thread(post_render, rendered, spec)


def post_render(rendered: Rendered, spec: PostRender) -> Rendered:
    """`post_rendered` for those who are in a thread already."""
    templates = by_source(rendered.manifest)
    hooks = [(hook.path, hook.manifest) for hook in rendered.hooks]
    try:
        match spec.strategy:
            case PostRenderStrategy.COMBINED:
                arranged = _arranged(_changed([*templates, *hooks], spec))
            case PostRenderStrategy.SEPARATE:
                arranged = _arranged([*_changed(templates, spec), *_changed(hooks, spec)])
            case PostRenderStrategy.NO_HOOKS:
                return replace(rendered, manifest=_arranged(_changed(templates, spec)).manifest)
    except (ManifestUnusable, ChartError) as error:
        raise PostRenderFailed(f"error while running post render on files: {error}") from error
    return replace(rendered, manifest=arranged.manifest, hooks=arranged.hooks)


def _changed(documents: Iterable[tuple[str, str]], spec: PostRender) -> list[_Document]:
    objects = [_Document(source, obj) for source, text in documents for obj in _read(source, text)]
    for kustomization in spec.kustomizations:
        objects = _kustomized(objects, kustomization)
    return [_Document(item.source, _labelled(item.object, spec)) for item in objects]


def _read(source: str, text: str) -> list[Object]:
    try:
        # What ends a document is what ends its last block scalar.
        return read_objects(f"{text}\n")
    except ManifestUnusable as error:
        raise ManifestUnusable(f"{source}: {error}") from error


def _labelled(obj: Object, spec: PostRender) -> Object:
    return with_metadata(obj, labels={**spec.labels, **spec.origin}, annotations=spec.annotations)


def _kustomized(documents: Sequence[_Document], kustomization: Mapping[str, Any]) -> list[_Document]:
    if not documents:
        return []
    # The build engine is forty modules that most processes never need.
    from controllers.helm.actions.kustomization import KustomizeFailed, kustomized

    tagged = [with_metadata(item.object, labels={}, annotations={_SOURCE: item.source}) for item in documents]
    try:
        built = kustomized(tagged, kustomization)
    except KustomizeFailed as error:
        raise PostRenderFailed(f"error while running post render on files: {error}") from error
    return [_untagged(obj, number) for number, obj in enumerate(built)]


def _untagged(obj: Object, number: int) -> _Document:
    annotations = dict(metadata_map(obj, "annotations"))
    source = annotations.pop(_SOURCE, f"generated-by-postrender-{number}.yaml")
    metadata = {key: value for key, value in obj["metadata"].items() if key != "annotations"}
    if annotations:
        metadata["annotations"] = annotations
    return _Document(source, {**obj, "metadata": metadata})


def _arranged(documents: Iterable[_Document]) -> Arranged:
    """Sorted into manifest and hooks again: a patch may have made the one of the other."""
    files: dict[str, list[str]] = {}
    known: dict[str, Object] = {}
    for item in documents:
        text = _text(item.object)
        known[text] = item.object
        files.setdefault(item.source, []).append(text)

    def read(text: str) -> Any:
        return known[text] if text in known else read_document(text)

    arranged = arrange({source: "\n---\n".join(texts) for source, texts in files.items()}, read)
    # Manifests end in a newline; in a hook, too, the last block scalar needs it.
    hooks = tuple(replace(hook, manifest=hook.manifest + "\n") for hook in arranged.hooks)
    return replace(arranged, hooks=hooks)


def _text(obj: Object) -> str:
    """A document without its last newline, which belongs to what stands between documents."""
    text = write(obj)
    # A block scalar that ends in empty lines would lose them at the end of a document; JSON is YAML, too.
    return orjson.dumps(obj).decode() if text.endswith("\n\n") else text.removesuffix("\n")
