"""Generators and transformers that are declared in files: the built-in ones, no others."""

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from shared.kustomize import fields, generators, hashing
from shared.kustomize.config import SpecsByKind
from shared.kustomize.errors import (
    BuildError,
    KustomizationInvalid,
    PatchFailed,
    PluginRefused,
    ReplacementFailed,
)
from shared.kustomize.fieldspec import FieldSpec, Missing, change_field, field_spec
from shared.kustomize.load import Loader
from shared.kustomize.model import (
    IMAGE_SHAPE,
    REPLICA_SHAPE,
    Image,
    Patch,
    Replacement,
    Replica,
    replacement,
)
from shared.kustomize.reading import read_resources
from shared.kustomize.replacements import replace
from shared.kustomize.resmap import ResMap
from shared.kustomize.resource import Resource, Source
from shared.kustomize.selectors import selector
from shared.kustomize.transformers import images, labels, names, namespaces, patches, replicas
from shared.logic.go_spelling import plain_json, scalar_text
from shared.logic.go_yaml import YamlError, read_document

Transform = Callable[[ResMap], None]
Json = Mapping[str, Any]

_field_specs = fields.listing(field_spec)
_image = fields.structure(Image, IMAGE_SHAPE)
_replica = fields.structure(Replica, REPLICA_SHAPE)


def generate(config: Resource, loader: Loader) -> list[Resource]:
    """Run a generator declared as an object. Raises PluginRefused, GeneratorFailed."""
    _require_builtin(config)
    value = plain_json(config.obj)
    source = Source(config.source.path)
    match config.kind:
        case "ConfigMapGenerator":
            args = generators.config_map_args(_named(value), config.kind)
            return [generators.make_config_map(args, loader.read, source)]
        case "SecretGenerator":
            args = generators.secret_args(_named(value), config.kind)
            return [generators.make_secret(args, loader.read, source)]
        case "IAMPolicyGenerator":
            return [generators.make_iam_account(value, source)]
        case "HelmChartInflationGenerator":
            raise PluginRefused(f"{config.shown()}: Helm charts are not inflated; use a HelmRelease")
        case _:
            raise PluginRefused(f"{config.shown()}: unable to load builtin generator {config.kind}")


def _named(value: dict[str, Any]) -> dict[str, Any]:
    """A generator's own name and namespace count where it gives no others for its product."""
    metadata = value.get("metadata") or {}
    return {"name": metadata.get("name"), "namespace": metadata.get("namespace")} | value


def _require_builtin(config: Resource) -> None:
    annotations = config.text_map("annotations")
    if any(
        key.startswith("config.kubernetes.io/function") or key == "config.k8s.io/function"
        for key in annotations
    ):
        raise PluginRefused(f"{config.shown()}: functions in containers or executables are not run")
    if config.api_version != "builtin":
        raise PluginRefused(
            f"{config.shown()}: only built-in plugins are allowed, and {config.api_version} is none"
        )


def transformer(config: Resource, loader: Loader) -> Transform:
    """A transformer from the object that declares it. Raises PluginRefused, KustomizationInvalid."""
    _require_builtin(config)
    make = _TRANSFORMERS.get(config.kind)
    if make is None:
        raise PluginRefused(f"{config.shown()}: unable to load builtin {config.kind}")
    try:
        return make(plain_json(config.obj), loader, str(config.source))
    except BuildError as error:
        raise type(error)(f"plugin {config.shown()} fails configuration: {error}") from error


def _specs(value: Json) -> list[FieldSpec]:
    return _field_specs(value.get("fieldSpecs"), "fieldSpecs")


def _annotations(value: Json, _loader: Loader, _where: str) -> Transform:
    pairs, specs = fields.text_map(fields.loosely(value.get("annotations")), "annotations"), _specs(value)
    return lambda resmap: labels.set_entries(resmap, pairs, specs)


def _labels(value: Json, _loader: Loader, _where: str) -> Transform:
    pairs, specs = fields.text_map(fields.loosely(value.get("labels")), "labels"), _specs(value)
    return lambda resmap: labels.set_entries(resmap, pairs, specs)


def _images(value: Json, _loader: Loader, _where: str) -> Transform:
    image, specs = _image(fields.loosely(value.get("imageTag")), "imageTag"), _specs(value)
    return lambda resmap: images.set_images(resmap, [image], specs)


def _namespace(value: Json, _loader: Loader, _where: str) -> Transform:
    metadata = fields.mapping(value.get("metadata"), "metadata")
    change = namespaces.NamespaceChange(
        fields.text(fields.loosely(metadata.get("namespace")), "metadata.namespace"),
        fields.flag(value.get("unsetOnly"), "unsetOnly"),
        fields.text(value.get("setRoleBindingSubjects"), "setRoleBindingSubjects"),
    )
    specs = _specs(value)
    return lambda resmap: namespaces.set_namespace(resmap, change, specs)


def _prefix(value: Json, _loader: Loader, _where: str) -> Transform:
    text, specs = fields.text(fields.loosely(value.get("prefix")), "prefix"), _needed_specs(value)
    return lambda resmap: names.add_prefix(resmap, text, specs)


def _suffix(value: Json, _loader: Loader, _where: str) -> Transform:
    text, specs = fields.text(fields.loosely(value.get("suffix")), "suffix"), _needed_specs(value)
    return lambda resmap: names.add_suffix(resmap, text, specs)


def _prefix_suffix(value: Json, loader: Loader, where: str) -> Transform:
    first, second = _prefix(value, loader, where), _suffix(value, loader, where)

    def both(resmap: ResMap) -> None:
        first(resmap)
        second(resmap)

    return both


def _needed_specs(value: Json) -> list[FieldSpec]:
    if value.get("fieldSpecs") is None:
        raise KustomizationInvalid("fieldSpecs is not expected to be nil")
    return _specs(value)


def _replicas(value: Json, _loader: Loader, _where: str) -> Transform:
    replica, specs = _replica(value.get("replica"), "replica"), _specs(value)
    return lambda resmap: replicas.set_replicas(resmap, replica, specs)


def _json6902(value: Json, loader: Loader, where: str) -> Transform:
    patch = Patch(
        path=fields.text(value.get("path"), "path"),
        patch=fields.text(value.get("jsonOp"), "jsonOp"),
        target=fields.optional(selector)(value.get("target"), "target"),
    )
    loaded = patches.load_operations(patch, loader.read, loader.session.options.limits, where)
    target = patch.target

    def transform(resmap: ResMap) -> None:
        if target is not None:
            patches.apply_operations(resmap.select(target), loaded.operations, loaded.shown)
            resmap.changed()

    return transform


def _patch(value: Json, loader: Loader, where: str) -> Transform:
    options = fields.mapping(value.get("options"), "options")
    patch = Patch(
        path=fields.text(value.get("path"), "path"),
        patch=fields.text(value.get("patch"), "patch"),
        target=fields.optional(selector)(value.get("target"), "target"),
        allow_name_change=options.get("allowNameChange") is True,
        allow_kind_change=options.get("allowKindChange") is True,
    )
    session = loader.session
    loaded = patches.load_patch(patch, loader.read, session.options.limits, where)

    def transform(resmap: ResMap) -> None:
        patches.apply_patch(resmap, loaded, patch.target, session.schema)
        resmap.changed()

    return transform


def _strategic_merge(value: Json, loader: Loader, where: str) -> Transform:
    paths = fields.listing(fields.text)(value.get("paths"), "paths")
    loaded = load_merge_patches(paths, loader)
    text = fields.text(value.get("patches"), "patches")
    if not paths and not text:
        raise PatchFailed("empty file path and empty patch content")
    if text:
        loaded += read_resources(text, where, loader.session.options.limits.yaml)
    if not loaded:
        raise PatchFailed(f"patch appears to be empty; files={paths}")
    schema = loader.session
    return lambda resmap: patches.apply_merge_patches(resmap, loaded, schema.schema)


def load_merge_patches(paths: list[str], loader: Loader) -> list[Resource]:
    """The patches of `patchesStrategicMerge`: each entry is a path or a patch itself."""
    limits = loader.session.options.limits.yaml
    loaded: list[Resource] = []
    for path in paths:
        if "\n" in path or path.lstrip().startswith("{"):
            loaded += read_resources(path, "inline patch of patchesStrategicMerge", limits)
        else:
            loaded += read_resources(loader.read(path), path, limits)
    return loaded


def _replacements(value: Json, loader: Loader, _where: str) -> Transform:
    listed = fields.listing(replacement)(value.get("replacements"), "replacements")
    loaded = load_replacements(listed, loader)

    def transform(resmap: ResMap) -> None:
        replace(resmap.resources, loaded)
        resmap.changed()

    return transform


def load_replacements(listed: list[Replacement], loader: Loader) -> list[Replacement]:
    """The entries of `replacements`, those of the files that they name in place. Raises ReplacementFailed."""
    loaded: list[Replacement] = []
    for item in listed:
        if not item.path:
            loaded.append(item)
            continue
        if item.source is not None or item.targets:
            raise ReplacementFailed("replacements: cannot specify both path and inline replacement")
        try:
            value = read_document(loader.read(item.path), limits=loader.session.options.limits.yaml)
        except YamlError as error:
            raise ReplacementFailed(f"{item.path}:{error.line}: {error.message}") from error
        found = value if isinstance(value, list) else [value]
        loaded += [replacement(entry, f"{item.path}: replacements") for entry in found]
    return loaded


def _hash(_value: Json, _loader: Loader, _where: str) -> Transform:
    return add_hashes


def add_hashes(resmap: ResMap) -> None:
    """Put the hash of their content to the names of generated objects."""
    for resource in resmap.resources:
        if resource.needs_hash:
            suffix = hashing.name_suffix(plain_json(resource.obj))
            resource.remember_name()
            resource.set_name(f"{resource.name}-{suffix}")
    resmap.changed()


_TARGET_SHAPE: fields.Shape = {
    "selector": ("selector", fields.optional(selector)),
    "fieldPath": ("path", fields.text),
    "filePathPosition": ("position", fields.integer),
}


def _value_add(value: Json, loader: Loader, _where: str) -> Transform:
    decode = fields.listing(fields.structure(dict[str, Any], _TARGET_SHAPE))
    text = fields.text(value.get("value"), "value").strip() or posixpath.basename(loader.root)
    targets = decode(value.get("targets"), "targets")
    path = fields.text(value.get("targetFilePath"), "targetFilePath")
    if path:
        try:
            content = read_document(loader.read(path), limits=loader.session.options.limits.yaml)
        except YamlError as error:
            raise KustomizationInvalid(f"{path}: {error}") from error
        targets += decode(fields.mapping(content, path).get("targets"), f"{path}: targets")
    if not targets:
        raise KustomizationInvalid("must specify at least one target")
    if any(not target.get("path") or target.get("position", 0) < 0 for target in targets):
        raise KustomizationInvalid("fieldPath cannot be empty, nor filePathPosition negative")

    def transform(resmap: ResMap) -> None:
        for target in targets:
            wanted = target.get("selector")
            chosen = resmap.resources if wanted is None else resmap.select(wanted)
            for resource in chosen:
                _add_value(resource, text, target["path"], target.get("position", 0))
        resmap.changed()

    return transform


def _add_value(resource: Resource, text: str, path: str, position: int) -> None:
    if path == "metadata/namespace":
        namespaces.move(resource, namespaces.NamespaceChange(text), SpecsByKind(()))
        return

    def change(old: Any) -> str:
        current = "" if old is None or isinstance(old, dict | list) else scalar_text(old)
        return _inserted(current, text, position) if position > 0 else text

    change_field(resource.obj, FieldSpec(path.removeprefix("/"), create=True), change, Missing.SCALAR)


def _inserted(path: str, text: str, position: int) -> str:
    """A file path with one more step at the position, counted from 1."""
    steps = [step for step in path.split("/") if step]
    steps.insert(min(position - 1, len(steps)), text)
    return ("/" if path.startswith("/") else "") + "/".join(steps)


_TRANSFORMERS: dict[str, Callable[[Json, Loader, str], Transform]] = {
    "AnnotationsTransformer": _annotations,
    "HashTransformer": _hash,
    "ImageTagTransformer": _images,
    "LabelTransformer": _labels,
    "NamespaceTransformer": _namespace,
    "PatchJson6902Transformer": _json6902,
    "PatchStrategicMergeTransformer": _strategic_merge,
    "PatchTransformer": _patch,
    "PrefixSuffixTransformer": _prefix_suffix,
    "PrefixTransformer": _prefix,
    "ReplacementTransformer": _replacements,
    "ReplicaCountTransformer": _replicas,
    "SuffixTransformer": _suffix,
    "ValueAddTransformer": _value_add,
}
