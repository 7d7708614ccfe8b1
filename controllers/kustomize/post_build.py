"""After the build: variables are substituted, Lists unfolded, and the whole is hashed (specs 5.4, 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from controllers.kustomize.variables import Variables
from shared.kustomize.build import Built
from shared.kustomize.errors import ResourceInvalid
from shared.logic.expansion import BadSubstitution
from shared.logic.go_yaml import YamlError, read_document
from shared.logic.go_yaml_write import write
from shared.logic.owner import substitution_disabled
from shared.logic.substitution import substitute
from shared.model.meta import Object


@dataclass(frozen=True, slots=True)
class Manifests:
    """What a build gave; `digest` changes whenever an object does.

    `fetched`: some of it came from the network, where it may be another thing the next time.
    """

    objects: list[Object]
    digest: str
    fetched: bool = False


def finish(items: Sequence[Built], variables: Variables, *, strict: bool, fetched: bool = False) -> Manifests:
    """Raises BadSubstitution or ResourceInvalid, which name the object and where it came from."""
    digest = hashlib.sha256()
    objects: list[Object] = []
    for item in items:
        obj = item.object
        if variables.used and not substitution_disabled(obj):
            obj = _substituted(item, variables, strict=strict)
        digest.update(orjson.dumps(obj, option=orjson.OPT_SORT_KEYS))
        objects += _unfolded(obj, item)
    return Manifests(objects, f"sha256:{digest.hexdigest()}", fetched)


def _substituted(item: Built, variables: Variables, *, strict: bool) -> Object:
    """Through text, as Flux does it: types are inferred again from what the text says."""
    if b"$" not in orjson.dumps(item.object):
        return item.object
    try:
        value = read_document(substitute(write(item.object), variables.values, strict=strict))
    except (BadSubstitution, YamlError) as error:
        raise BadSubstitution(
            f"post build failed for '{item.shown()}': envsubst error: variable substitution failed: {error}"
        ) from error
    if not isinstance(value, dict):
        raise BadSubstitution(f"post build failed for '{item.shown()}': what came out is not an object")
    return value


def _unfolded(obj: Object, item: Built) -> list[Object]:
    """The items of a List; nothing of a kustomization file; else the object itself."""
    if _is_kustomization_file(obj):
        return []
    if str(obj.get("kind", "")).endswith("List") and isinstance(obj.get("items"), list):
        return [inner for element in obj["items"] for inner in _unfolded(element, item)]
    metadata = obj.get("metadata")
    if not (
        obj.get("apiVersion") and obj.get("kind") and isinstance(metadata, dict) and metadata.get("name")
    ):
        raise ResourceInvalid(f"failed to decode Kubernetes apiVersion, kind and name from: {item.shown()}")
    return [obj]


def _is_kustomization_file(obj: Object) -> bool:
    return obj.get("kind") == "Kustomization" and str(obj.get("apiVersion", "")).startswith(
        "kustomize.config.k8s.io/"
    )
