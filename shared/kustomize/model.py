"""The kustomization file as values: every field of v1beta1, v1alpha1 Components included."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.kustomize import fields
from shared.kustomize.errors import KustomizationInvalid
from shared.kustomize.fields import flag, integer, listing, mapping, optional, structure, text, text_map
from shared.kustomize.fieldspec import FieldSpec, field_spec
from shared.kustomize.selectors import Selector, strict_selector

KUSTOMIZATION_VERSION = "kustomize.config.k8s.io/v1beta1"
COMPONENT_VERSION = "kustomize.config.k8s.io/v1alpha1"
COMPONENT = "Component"


@dataclass(frozen=True, slots=True)
class Patch:
    path: str = ""
    patch: str = ""
    target: Selector | None = None
    allow_name_change: bool = False
    allow_kind_change: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    name: str = ""
    new_name: str = ""
    tag_suffix: str = ""
    new_tag: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    name: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    pairs: dict[str, str] = field(default_factory=dict)
    include_selectors: bool = False
    include_templates: bool = False
    field_specs: list[FieldSpec] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GeneratorOptions:
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    disable_name_suffix_hash: bool = False
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class GeneratorArgs:
    """One entry of configMapGenerator or secretGenerator (`type` is a Secret's)."""

    name: str = ""
    namespace: str = ""
    behavior: str = ""
    literals: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    envs: list[str] = field(default_factory=list)
    env: str = ""
    type: str = ""
    options: GeneratorOptions | None = None


@dataclass(frozen=True, slots=True)
class FieldOptions:
    delimiter: str = ""
    index: int = 0
    create: bool = False


@dataclass(frozen=True, slots=True)
class ReplacementSource:
    selector: Selector
    field_path: str = ""
    options: FieldOptions = FieldOptions()


@dataclass(frozen=True, slots=True)
class ReplacementTarget:
    select: Selector | None = None
    reject: list[Selector] = field(default_factory=list)
    field_paths: list[str] = field(default_factory=list)
    options: FieldOptions = FieldOptions()


@dataclass(frozen=True, slots=True)
class Replacement:
    path: str = ""
    source: ReplacementSource | None = None
    source_value: str | None = None
    targets: list[ReplacementTarget] | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    name: str = ""
    target: Selector = field(default_factory=Selector)
    field_path: str = "metadata.name"


@dataclass(frozen=True, slots=True)
class LegacySortOptions:
    order_first: list[str] = field(default_factory=list)
    order_last: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SortOptions:
    order: str = ""
    legacy: LegacySortOptions | None = None


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization file. Deprecated fields that only have a new name are read into the new one."""

    api_version: str = ""
    kind: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    openapi: dict[str, str] = field(default_factory=dict)
    name_prefix: str = ""
    name_suffix: str = ""
    namespace: str = ""
    common_labels: dict[str, str] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    common_annotations: dict[str, str] = field(default_factory=dict)
    patches_strategic_merge: list[str] = field(default_factory=list)
    patches_json6902: list[Patch] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    image_tags: list[Image] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    sort_options: SortOptions | None = None
    resources: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    crds: list[str] = field(default_factory=list)
    bases: list[str] = field(default_factory=list)
    config_map_generator: list[GeneratorArgs] = field(default_factory=list)
    secret_generator: list[GeneratorArgs] = field(default_factory=list)
    helm_globals: dict[str, Any] | None = None
    helm_charts: list[Any] = field(default_factory=list)
    helm_chart_inflation: list[Any] = field(default_factory=list)
    generator_options: GeneratorOptions | None = None
    configurations: list[str] = field(default_factory=list)
    generators: list[str] = field(default_factory=list)
    transformers: list[str] = field(default_factory=list)
    validators: list[str] = field(default_factory=list)
    build_metadata: list[str] = field(default_factory=list)

    @property
    def all_resources(self) -> list[str]:
        return self.resources + self.bases

    @property
    def all_images(self) -> list[Image]:
        return self.images + self.image_tags


def _patch(options: dict[str, bool] | None = None, **rest: Any) -> Patch:
    allowed = options or {}
    return Patch(
        allow_name_change=allowed.get("allowNameChange", False),
        allow_kind_change=allowed.get("allowKindChange", False),
        **rest,
    )


def _flag_map(value: Any, where: str) -> dict[str, bool]:
    return {key: flag(item, f"{where}.{key}") for key, item in mapping(value, where).items()}


PATCH_SHAPE: fields.Shape = {
    "path": ("path", text),
    "patch": ("patch", text),
    "target": ("target", optional(strict_selector)),
    "options": ("options", _flag_map),
}
IMAGE_SHAPE: fields.Shape = {
    "name": ("name", text),
    "newName": ("new_name", text),
    "tagSuffix": ("tag_suffix", text),
    "newTag": ("new_tag", text),
    "digest": ("digest", text),
}
REPLICA_SHAPE: fields.Shape = {"name": ("name", text), "count": ("count", integer)}
LABEL_SHAPE: fields.Shape = {
    "pairs": ("pairs", text_map),
    "includeSelectors": ("include_selectors", flag),
    "includeTemplates": ("include_templates", flag),
    "fields": ("field_specs", listing(field_spec)),
}
OPTIONS_SHAPE: fields.Shape = {
    "labels": ("labels", text_map),
    "annotations": ("annotations", text_map),
    "disableNameSuffixHash": ("disable_name_suffix_hash", flag),
    "immutable": ("immutable", flag),
}
generator_options = structure(GeneratorOptions, OPTIONS_SHAPE, strict=True)
GENERATOR_SHAPE: fields.Shape = {
    "name": ("name", text),
    "namespace": ("namespace", text),
    "behavior": ("behavior", text),
    "literals": ("literals", listing(text)),
    "files": ("files", listing(text)),
    "envs": ("envs", listing(text)),
    "env": ("env", text),
    "options": ("options", optional(generator_options)),
}
SECRET_SHAPE: fields.Shape = {**GENERATOR_SHAPE, "type": ("type", text)}
_FIELD_OPTIONS_SHAPE: fields.Shape = {
    "delimiter": ("delimiter", text),
    "index": ("index", integer),
    "encoding": ("_encoding", text),
    "create": ("create", flag),
}


def _field_options(value: Any, where: str) -> FieldOptions:
    def make(_encoding: str = "", **rest: Any) -> FieldOptions:
        return FieldOptions(**rest)

    return structure(make, _FIELD_OPTIONS_SHAPE, strict=True)(value, where)


def _replacement_source(value: Any, where: str) -> ReplacementSource:
    found = dict(mapping(value, where))
    field_path = text(found.pop("fieldPath", None), f"{where}.fieldPath")
    options = _field_options(found.pop("options", None), f"{where}.options")
    return ReplacementSource(strict_selector(found, where), field_path, options)


_TARGET_SHAPE: fields.Shape = {
    "select": ("select", optional(strict_selector)),
    "reject": ("reject", listing(strict_selector)),
    "fieldPaths": ("field_paths", listing(text)),
    "options": ("options", _field_options),
}
REPLACEMENT_SHAPE: fields.Shape = {
    "path": ("path", text),
    "source": ("source", optional(_replacement_source)),
    "sourceValue": ("source_value", optional(text)),
    "targets": ("targets", optional(listing(structure(ReplacementTarget, _TARGET_SHAPE, strict=True)))),
}
replacement = structure(Replacement, REPLACEMENT_SHAPE, strict=True)


def _variable(value: Any, where: str) -> Variable:
    found = mapping(value, where)
    unknown = found.keys() - {"name", "objref", "fieldref"}
    if unknown:
        raise KustomizationInvalid(f"unknown field {f'{where}.{min(unknown)}'!r}")
    reference = dict(mapping(found.get("objref"), f"{where}.objref"))
    api_version = text(reference.pop("apiVersion", None), f"{where}.objref.apiVersion")
    if api_version:
        group, _, version = api_version.rpartition("/")
        reference["version"] = version
        if group:
            reference["group"] = group
    source = mapping(found.get("fieldref"), f"{where}.fieldref")
    path = text(source.get("fieldPath", source.get("fieldpath")), f"{where}.fieldref.fieldPath")
    name = text(found.get("name"), f"{where}.name")
    return Variable(name, strict_selector(reference, f"{where}.objref"), path or "metadata.name")


_LEGACY_SHAPE: fields.Shape = {
    "orderFirst": ("order_first", listing(text)),
    "orderLast": ("order_last", listing(text)),
}
SORT_SHAPE: fields.Shape = {
    "order": ("order", text),
    "legacySortOptions": ("legacy", optional(structure(LegacySortOptions, _LEGACY_SHAPE, strict=True))),
}

METADATA_SHAPE: fields.Shape = {
    "name": ("name", text),
    "namespace": ("namespace", text),
    "labels": ("labels", text_map),
    "annotations": ("annotations", text_map),
}
_texts = listing(text)
_images = listing(structure(Image, IMAGE_SHAPE, strict=True))
_patches = listing(structure(_patch, PATCH_SHAPE, strict=True))
KUSTOMIZATION_SHAPE: fields.Shape = {
    "apiVersion": ("api_version", text),
    "kind": ("kind", text),
    "metadata": ("metadata", structure(dict[str, Any], METADATA_SHAPE, strict=True)),
    "openapi": ("openapi", text_map),
    "namePrefix": ("name_prefix", text),
    "nameSuffix": ("name_suffix", text),
    "namespace": ("namespace", text),
    "commonLabels": ("common_labels", text_map),
    "labels": ("labels", listing(structure(Label, LABEL_SHAPE, strict=True))),
    "commonAnnotations": ("common_annotations", text_map),
    "patchesStrategicMerge": ("patches_strategic_merge", _texts),
    "patchesJson6902": ("patches_json6902", _patches),
    "patches": ("patches", _patches),
    "images": ("images", _images),
    "imageTags": ("image_tags", _images),
    "replacements": ("replacements", listing(replacement)),
    "replicas": ("replicas", listing(structure(Replica, REPLICA_SHAPE, strict=True))),
    "vars": ("variables", listing(_variable)),
    "sortOptions": ("sort_options", optional(structure(SortOptions, SORT_SHAPE, strict=True))),
    "resources": ("resources", _texts),
    "components": ("components", _texts),
    "crds": ("crds", _texts),
    "bases": ("bases", _texts),
    "configMapGenerator": (
        "config_map_generator",
        listing(structure(GeneratorArgs, GENERATOR_SHAPE, strict=True)),
    ),
    "secretGenerator": ("secret_generator", listing(structure(GeneratorArgs, SECRET_SHAPE, strict=True))),
    "helmGlobals": ("helm_globals", optional(mapping)),
    "helmCharts": ("helm_charts", listing(fields.anything)),
    "helmChartInflationGenerator": ("helm_chart_inflation", listing(fields.anything)),
    "generatorOptions": ("generator_options", optional(generator_options)),
    "configurations": ("configurations", _texts),
    "generators": ("generators", _texts),
    "transformers": ("transformers", _texts),
    "validators": ("validators", _texts),
    "buildMetadata": ("build_metadata", _texts),
}
_kustomization = structure(Kustomization, KUSTOMIZATION_SHAPE, strict=True)


def parse_kustomization(value: Mapping[str, Any]) -> Kustomization:
    """A kustomization from the value of its file. Raises KustomizationInvalid."""
    parsed = _kustomization(value, "")
    if parsed.kind not in ("", "Kustomization", COMPONENT):
        raise KustomizationInvalid(f"kind should be Kustomization or Component, not {parsed.kind!r}")
    wanted = COMPONENT_VERSION if parsed.kind == COMPONENT else KUSTOMIZATION_VERSION
    if parsed.api_version not in ("", wanted):
        raise KustomizationInvalid(f"apiVersion for {parsed.kind or 'Kustomization'} should be {wanted}")
    return parsed
