"""Build one kustomization: gather what it names, then generate, then transform, then validate.

The order of the steps is kustomize's: resources, generators, components, transformers,
validators, variables. A Component works on its parent's objects; any other kustomization has
its own, which join the parent's when it is finished.
"""

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.kustomize import generators, origins, plugins, variables
from shared.kustomize.config import TransformerConfig, parse_config
from shared.kustomize.crds import config_from_definitions
from shared.kustomize.default_config import default_config
from shared.kustomize.errors import (
    BuildError,
    KustomizationInvalid,
    PluginRefused,
    RemoteFailed,
    ResourceInvalid,
    TransformFailed,
)
from shared.kustomize.field_transforms import builtin_transforms
from shared.kustomize.filesystem import shown
from shared.kustomize.load import Loader
from shared.kustomize.merge.schema import BuiltInSchema, OpenApiSchema
from shared.kustomize.model import COMPONENT, Kustomization
from shared.kustomize.reading import read_resources
from shared.kustomize.remote import is_remote, is_web, shown_address
from shared.kustomize.resmap import ResMap
from shared.kustomize.resource import Resource, Source, copied
from shared.kustomize.shared_texts import spread
from shared.logic.go_yaml import YamlError, read_document

# Known OpenAPI versions by name: the one whose facts are built in.
_OPENAPI_VERSIONS = ("v1.21.2",)


@dataclass(slots=True)
class Accumulation:
    """What has been gathered so far."""

    resmap: ResMap
    config: TransformerConfig | None = None
    known_variables: variables.Variables = field(default_factory=dict)

    def absorb(self, other: "Accumulation") -> None:
        self.resmap.append_all(other.resmap.resources)
        if other.config is not None:
            self.add_config(other.config)
        variables.add(self.known_variables, other.known_variables.values())

    def add_config(self, config: TransformerConfig) -> None:
        if self.config is None and config is not default_config():
            # Merging into nothing is not for nothing: specs for certain kinds displace general ones.
            self.config = TransformerConfig()
        self.config = config if self.config is None else self.config.merge(config)


class Target:
    """One kustomization file and what it takes to build it."""

    def __init__(
        self, loader: Loader, place: origins.Place | None, root: "Kustomization | None" = None
    ) -> None:
        """`place` is where the file lies for origin annotations."""
        self.loader = loader
        self.path, self.kustomization = loader.kustomization()
        self._metadata = (root or self.kustomization).build_metadata
        self._root = root or self.kustomization
        # None where no annotations are wanted.
        self._place = place if self._metadata else None

    def empty(self) -> Accumulation:
        return Accumulation(ResMap(self.loader.session.options.limits.objects))

    def accumulate(self, into: Accumulation) -> Accumulation:
        """Gather and transform everything; `into` is the parent's for a Component, else empty.

        Raises a BuildError whose message names the innermost kustomization that failed.
        """
        try:
            return self._accumulated(into)
        except BuildError as error:
            if error.kustomization:
                raise
            message = str(error)
            located = type(error)(message if self.path in message else f"{self.path}: {message}")
            located.kustomization = self.path
            raise located from error

    def _accumulated(self, into: Accumulation) -> Accumulation:
        self.loader.session.check_deadline()
        kustomization = self.kustomization
        self.loader.require_fetched((*kustomization.all_resources, *kustomization.components))
        self._add_resources(into, kustomization.all_resources)
        config = self._own_config()
        into.add_config(config)
        self._generate(into)
        for path in kustomization.components:
            into = self._directory_into(into, self.loader.child(path), path, component=True)
        self._transform(into)
        self._validate(into)
        variables.bind(into.resmap.resources, into.known_variables, kustomization.variables)
        for resource in into.resmap.resources:
            resource.overlays += (self.path,)
        return into

    def _add_resources(self, into: Accumulation, paths: Sequence[str]) -> None:
        for path in paths:
            if is_remote(path):
                self._add_remote(into, path)
                continue
            if not path:
                raise KustomizationInvalid(f"{self.path}: resources: an empty path")
            try:
                resolved = self.loader.resolve(path)
                is_directory = self.loader.tree.is_directory(resolved)
                content = b"" if is_directory else self.loader.read_resolved(resolved)
            except BuildError as error:
                raise type(error)(f"accumulating resources from {path!r}: {error}") from error
            if is_directory:
                self._directory_into(into, self._child(path), path)
            else:
                self._add_file(into, content, path, self._shown(path))

    def _child(self, path: str) -> Loader:
        try:
            return self.loader.child(path)
        except BuildError as error:
            raise type(error)(f"{self.path}: accumulating resources from {path!r}: {error}") from error

    def _shown(self, path: str) -> str:
        joined = path if path.startswith("/") else posixpath.join(self.loader.root, path)
        return shown(posixpath.normpath(joined))

    def _add_file(self, into: Accumulation, content: bytes, path: str, file: str) -> None:
        found = read_resources(content, file, self.loader.session.options.limits.yaml)
        if self._place is not None:
            for resource in found:
                origins.annotate(resource, origins.of_file(self._place, path))
        into.resmap.append_all(found)

    def _add_remote(self, into: Accumulation, path: str) -> None:
        """What is behind http or https may be a file; anything else, and what is no file, a repository."""
        address = shown_address(path)
        no_file = ""
        try:
            if is_web(path):
                try:
                    self._add_file(into, self.loader.remote_file(path), path, address)
                    return
                except (RemoteFailed, ResourceInvalid) as error:
                    no_file = f"{error}; and as a repository: "
            self._directory_into(into, self.loader.child(path), path)
        except BuildError as error:
            located = type(error)(f"{self.path}: accumulating resources from '{address}': {no_file}{error}")
            located.kustomization = error.kustomization or self.path
            raise located from error

    def _directory_into(
        self, into: Accumulation, loader: Loader, path: str, *, component: bool = False
    ) -> Accumulation:
        """Build a kustomization that this one names, into the same objects or into its own."""
        place = self._place
        target = Target(loader, place and place.joined(path), self._root)
        target.set_schema(into.resmap.resources)
        is_component = target.kustomization.kind == COMPONENT
        if component and not is_component:
            kind = target.kustomization.kind or "Kustomization"
            raise KustomizationInvalid(
                f"{self.path}: expected kind 'Component' for path {path!r} but got {kind!r}"
            )
        if is_component and not component:
            raise KustomizationInvalid(f"{self.path}: expected kind != 'Component' for path {path!r}")
        if component:
            return target.accumulate(into)
        into.absorb(target.accumulate(target.empty()))
        return into

    def set_schema(self, known: Sequence[Resource] = ()) -> None:
        """Take the schema that the file names for the whole build, if none has been taken yet.

        `known` are the objects so far: kustomize looks custom kinds up in its own definitions.
        """
        session, openapi = self.loader.session, self.kustomization.openapi
        path, version = openapi.get("path"), openapi.get("version")
        if not openapi or (session.schema_is_set and not path):
            return
        content = self.loader.read(path) if path else b""
        if session.schema_is_set:
            return
        if path and version:
            raise KustomizationInvalid(
                f"{self.path}: builtin version and custom schema provided, cannot use both"
            )
        if version:
            if version not in _OPENAPI_VERSIONS:
                raise KustomizationInvalid(f"{self.path}: the specified OpenAPI version is not built in")
            session.schema_is_set = True
        elif path:
            try:
                document = read_document(content, limits=session.options.limits.yaml)
                built_in = BuiltInSchema()
                used = any(built_in.of(item.api_version, item.kind) is None for item in known)
                session.schema = OpenApiSchema(document, path, beside_built_in=used)
            except YamlError as error:
                raise KustomizationInvalid(f"{self._shown(path)}:{error.line}: {error.message}") from error
            session.schema_is_set = True

    def _own_config(self) -> TransformerConfig:
        limits = self.loader.session.options.limits.yaml
        config = default_config()
        for path in self.kustomization.configurations:
            inline = "\n" in path
            content: bytes | str = path if inline else self.loader.read(path)
            where = f"{self.path}: configurations" if inline else self._shown(path)
            try:
                value = read_document(content, limits=limits)
            except YamlError as error:
                raise KustomizationInvalid(f"{where}:{error.line}: {error.message}") from error
            config = config.merge(parse_config(value, where))
        for path in self.kustomization.crds:
            definitions = config_from_definitions(self.loader.read(path), self._shown(path), limits)
            config = config.merge(definitions)
        return config

    def _generate(self, into: Accumulation) -> None:
        kustomization = self.kustomization
        if kustomization.helm_charts or kustomization.helm_chart_inflation:
            raise PluginRefused(f"{self.path}: helmCharts are not inflated here; use a HelmRelease")
        source = Source(self.path)
        made: list[tuple[Resource, origins.Origin | None]] = []
        for listed, make, kind in (
            (kustomization.config_map_generator, generators.make_config_map, "ConfigMapGenerator"),
            (kustomization.secret_generator, generators.make_secret, "SecretGenerator"),
        ):
            for args in listed:
                complete = generators.with_global_options(args, kustomization.generator_options)
                made.append((make(complete, self.loader.read, source), self._origin(kind)))
        for config in self._plugin_configs(kustomization.generators):
            origin = origins.of_plugin(config)
            made += [(resource, origin) for resource in plugins.generate(config, self.loader)]
        for resource, origin in made:
            if origin is not None:
                origins.annotate(resource, origin)
            into.resmap.absorb(resource)

    def _origin(self, kind: str) -> origins.Origin | None:
        if self._place is None:
            return None
        return origins.of_field(self._place, posixpath.basename(self.path), kind)

    def _plugin_configs(self, entries: Sequence[str]) -> list[Resource]:
        """The objects that declare generators, transformers or validators, inline or in files."""
        gathered = self.empty()
        paths = []
        for entry in entries:
            inline = self._inline(entry)
            if inline is None:
                paths.append(entry)
                continue
            if self._place is not None:
                for resource in inline:
                    origins.annotate(resource, origins.of_file(self._place, posixpath.basename(self.path)))
            gathered.resmap.append_all(inline)
        self._add_resources(gathered, paths)
        return gathered.resmap.resources

    def _inline(self, entry: str) -> list[Resource] | None:
        if "\n" not in entry and not entry.lstrip().startswith("{"):
            return None
        try:
            return read_resources(entry, self.path, self.loader.session.options.limits.yaml)
        except ResourceInvalid:
            if "\n" in entry:
                raise
            return None

    def _transform(self, into: Accumulation) -> None:
        for kind, transform in builtin_transforms(
            self.kustomization, into.config or default_config(), self.loader, self.path
        ):
            self._run(into, transform, self._origin(kind))
        for config in self._plugin_configs(self.kustomization.transformers):
            transform = plugins.transformer(config, self.loader)
            self._run(into, transform, origins.of_plugin(config))

    def _run(
        self, into: Accumulation, transform: Callable[[ResMap], None], origin: origins.Origin | None
    ) -> None:
        self.loader.session.check_deadline()
        transform(into.resmap)
        spread(into.resmap.resources)
        if origin is not None:
            for resource in into.resmap.resources:
                origins.add_transformation(resource, origin)
        into.resmap.changed()

    def _validate(self, into: Accumulation) -> None:
        for config in self._plugin_configs(self.kustomization.validators):
            validate = plugins.transformer(config, self.loader)
            before = [copied(resource.obj) for resource in into.resmap.resources]
            validate(into.resmap)
            after = [resource.obj for resource in into.resmap.resources]
            if before != after:
                raise TransformFailed(f"{config.shown()}: validator shouldn't modify the resource map")
