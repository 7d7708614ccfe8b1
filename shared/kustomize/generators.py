"""Make ConfigMaps and Secrets from literals, files and env files."""

import base64
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shared.kustomize import fields
from shared.kustomize.errors import GeneratorFailed
from shared.kustomize.model import GENERATOR_SHAPE, SECRET_SHAPE, GeneratorArgs, GeneratorOptions
from shared.kustomize.resource import Resource, Source

ReadFile = Callable[[str], bytes]

_LINE = 70

config_map_args = fields.structure(GeneratorArgs, GENERATOR_SHAPE)
secret_args = fields.structure(GeneratorArgs, SECRET_SHAPE)


def with_global_options(args: GeneratorArgs, common: GeneratorOptions | None) -> GeneratorArgs:
    """The entry with `generatorOptions` filled in; the entry's own labels and annotations win."""
    if common is None:
        return args
    own = args.options or GeneratorOptions()
    merged = GeneratorOptions(
        labels={**common.labels, **own.labels},
        annotations={**common.annotations, **own.annotations},
        disable_name_suffix_hash=common.disable_name_suffix_hash or own.disable_name_suffix_hash,
        immutable=common.immutable or own.immutable,
    )
    return replace(args, options=merged)


def make_config_map(args: GeneratorArgs, read: ReadFile, source: Source) -> Resource:
    """A ConfigMap; values that are no UTF-8 text go to binaryData. Raises GeneratorFailed."""
    obj = _base("ConfigMap", args, source)
    for key, value in _values(args, read, source).items():
        try:
            obj.setdefault("data", {})[key] = value.decode()
        except UnicodeDecodeError:
            obj.setdefault("binaryData", {})[key] = _encoded(value)
    return _resource(obj, args, source)


def make_secret(args: GeneratorArgs, read: ReadFile, source: Source) -> Resource:
    """A Secret, of type Opaque unless the entry says otherwise. Raises GeneratorFailed."""
    obj = _base("Secret", args, source)
    obj["type"] = args.type or "Opaque"
    obj["data"] = {key: _encoded(value) for key, value in _values(args, read, source).items()}
    return _resource(obj, args, source)


def make_iam_account(config: Mapping[str, Any], source: Source) -> Resource:
    """The annotated ServiceAccount of the IAMPolicyGenerator; `gke` is the one cloud it knows."""
    if config.get("cloud") != "gke":
        raise GeneratorFailed(
            f"{source}: IAMPolicyGenerator: cloud provider {config.get('cloud')!r} is not supported"
        )
    account = fields.text_map(config.get("kubernetesService"), "kubernetesService")
    google = fields.text_map(config.get("serviceAccount"), "serviceAccount")
    email = f"{google.get('name', '')}@{google.get('projectId', '')}.iam.gserviceaccount.com"
    metadata: dict[str, Any] = {
        "annotations": {"iam.gke.io/gcp-service-account": email},
        "name": account.get("name", ""),
    }
    if account.get("namespace"):
        metadata["namespace"] = account["namespace"]
    return Resource({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}, source)


def _base(kind: str, args: GeneratorArgs, source: Source) -> dict[str, Any]:
    if not args.name:
        raise GeneratorFailed(f"{source}: a generated {kind} must have a name")
    metadata: dict[str, Any] = {"name": args.name}
    if args.namespace:
        metadata["namespace"] = args.namespace
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def _resource(obj: dict[str, Any], args: GeneratorArgs, source: Source) -> Resource:
    options = args.options or GeneratorOptions()
    if options.labels:
        obj["metadata"]["labels"] = dict(options.labels)
    if options.annotations:
        obj["metadata"]["annotations"] = dict(options.annotations)
    if options.immutable:
        obj["immutable"] = True
    if args.behavior not in ("", "create", "merge", "replace"):
        raise GeneratorFailed(f"{source}: {args.name}: unknown behavior {args.behavior!r}")
    resource = Resource(obj, source)
    resource.behavior = args.behavior
    resource.needs_hash = not options.disable_name_suffix_hash
    return resource


def _values(args: GeneratorArgs, read: ReadFile, source: Source) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    pairs = [
        *(pair for path in [*args.envs, *filter(None, [args.env])] for pair in _env_file(read(path), path)),
        *(_literal(text, source) for text in args.literals),
        *(_file(text, read, source) for text in args.files),
    ]
    for key, value in pairs:
        if key in found:
            raise GeneratorFailed(f"{source}: {args.name} illegally repeats the key {key!r}")
        found[key] = value
    return found


def _literal(text: str, source: Source) -> tuple[str, bytes]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise GeneratorFailed(f"{source}: invalid literal source {key!r}, expected key=value")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, value.encode("utf-8", "surrogateescape")


def _file(text: str, read: ReadFile, source: Source) -> tuple[str, bytes]:
    key, equals, path = text.partition("=")
    if not equals:
        return posixpath.basename(text), read(text)
    if not key or not path or "=" in path:
        raise GeneratorFailed(f"{source}: invalid file source {text!r}, expected [key=]path")
    return key, read(path)


def _env_file(content: bytes, path: str) -> list[tuple[str, bytes]]:
    pairs = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.removesuffix(b"\r").decode().lstrip()
        except UnicodeDecodeError:
            raise GeneratorFailed(f"{Source(path, number)}: invalid UTF-8") from None
        if not text or text.startswith("#"):
            continue
        # A line without a value means the build's environment to kustomize; ours is always empty.
        key, _, value = text.partition("=")
        if key:
            pairs.append((key, value.encode()))
    return pairs


def _encoded(value: bytes) -> str:
    """Base64, in lines of 70 characters where one does not do."""
    text = base64.b64encode(value).decode()
    if len(text) < _LINE:
        return text
    return "".join(f"{text[start : start + _LINE]}\n" for start in range(0, len(text), _LINE))
