"""The transformers that the fields of a kustomization file ask for, in kustomize's order."""

from collections.abc import Callable, Iterator

from shared.kustomize import plugins
from shared.kustomize.config import TransformerConfig
from shared.kustomize.errors import BuildError, PatchFailed
from shared.kustomize.fieldspec import FieldSpec, merged
from shared.kustomize.load import Loader
from shared.kustomize.model import Kustomization, Label, Patch
from shared.kustomize.replacements import replace
from shared.kustomize.resmap import ResMap
from shared.kustomize.transformers import images, labels, names, namespaces, patches, replicas

Transform = Callable[[ResMap], None]
Named = tuple[str, Transform]


def builtin_transforms(
    kustomization: Kustomization, config: TransformerConfig, loader: Loader, path: str
) -> Iterator[Named]:
    """(kind of transformer, what it does) in the order to run them. Patches are read before any runs."""
    loaded = [*_patches(kustomization, loader, path)]
    last = [*_json_patches(kustomization, loader, path)]
    yield from loaded
    if kustomization.namespace:
        change = namespaces.NamespaceChange(kustomization.namespace)
        yield (
            "NamespaceTransformer",
            lambda resmap: namespaces.set_namespace(resmap, change, config.namespace),
        )
    if kustomization.name_prefix:
        yield (
            "PrefixTransformer",
            lambda resmap: names.add_prefix(resmap, kustomization.name_prefix, config.name_prefix),
        )
    if kustomization.name_suffix:
        yield (
            "SuffixTransformer",
            lambda resmap: names.add_suffix(resmap, kustomization.name_suffix, config.name_suffix),
        )
    yield from _labels(kustomization, config)
    if kustomization.common_annotations:
        pairs = kustomization.common_annotations
        yield (
            "AnnotationsTransformer",
            lambda resmap: labels.set_entries(resmap, pairs, config.common_annotations),
        )
    yield from last
    yield from _counts_and_images(kustomization, config)
    if kustomization.replacements:
        replacements = plugins.load_replacements(kustomization.replacements, loader)
        yield "ReplacementTransformer", lambda resmap: replace(resmap.resources, replacements)


def _patches(kustomization: Kustomization, loader: Loader, path: str) -> Iterator[Named]:
    session = loader.session
    if kustomization.patches_strategic_merge:
        merge_patches = plugins.load_merge_patches(kustomization.patches_strategic_merge, loader)
        if not merge_patches:
            raise PatchFailed(f"{path}: patchesStrategicMerge: patch appears to be empty")
        yield (
            "PatchStrategicMergeTransformer",
            lambda resmap: patches.apply_merge_patches(resmap, merge_patches, session.schema),
        )
    for index, patch in enumerate(kustomization.patches):
        where = f"{path}: patches[{index}]"
        try:
            loaded = patches.load_patch(patch, loader.read, session.options.limits, where)
        except PatchFailed:
            raise
        except BuildError as error:
            raise type(error)(f"{where}: {error}") from error
        yield "PatchTransformer", _patching(loaded, patch, loader)


def _patching(loaded: patches.LoadedPatch, patch: Patch, loader: Loader) -> Transform:
    return lambda resmap: patches.apply_patch(resmap, loaded, patch.target, loader.session.schema)


def _json_patches(kustomization: Kustomization, loader: Loader, path: str) -> Iterator[Named]:
    for index, patch in enumerate(kustomization.patches_json6902):
        where = f"{path}: patchesJson6902[{index}]"
        loaded = patches.load_operations(patch, loader.read, loader.session.options.limits, where)
        yield "PatchJson6902Transformer", _operating(loaded, patch)


def _operating(loaded: patches.LoadedPatch, patch: Patch) -> Transform:
    def transform(resmap: ResMap) -> None:
        if patch.target is not None:
            patches.apply_operations(resmap.select(patch.target), loaded.operations, loaded.shown)

    return transform


def _labels(kustomization: Kustomization, config: TransformerConfig) -> Iterator[Named]:
    if not (kustomization.labels or kustomization.common_labels):
        return
    for label in kustomization.labels:
        yield "LabelTransformer", _labelling(label.pairs, label_specs(label, config))
    yield "LabelTransformer", _labelling(kustomization.common_labels, list(config.common_labels))


def _labelling(pairs: dict[str, str], specs: list[FieldSpec]) -> Transform:
    return lambda resmap: labels.set_entries(resmap, pairs, specs)


def label_specs(label: Label, config: TransformerConfig) -> list[FieldSpec]:
    """Where an entry of `labels` is set: metadata, and what its flags and fields add."""
    specs = merged(label.field_specs, config.labels)
    if label.include_selectors:
        return merged(specs, config.common_labels)
    if label.include_templates:
        specs = merged(specs, config.template_labels)
    return merged(specs, [FieldSpec("metadata/labels", create=True)])


def _counts_and_images(kustomization: Kustomization, config: TransformerConfig) -> Iterator[Named]:
    for replica in kustomization.replicas:
        yield (
            "ReplicaCountTransformer",
            lambda resmap, replica=replica: replicas.set_replicas(resmap, replica, config.replicas),  # type: ignore[misc]
        )
    if not kustomization.build_metadata and kustomization.all_images:
        # Each entry is a transformer of its own, but together they walk each object once.
        yield (
            "ImageTagTransformer",
            lambda resmap: images.set_images(resmap, kustomization.all_images, config.images),
        )
        return
    for image in kustomization.all_images:
        yield (
            "ImageTagTransformer",
            lambda resmap, image=image: images.set_images(resmap, [image], config.images),  # type: ignore[misc]
        )
