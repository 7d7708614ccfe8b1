"""From what the build printed to what is sent to the API server (specs/kustomize.md 8.1, 6.2 guard).

Owner labels and common metadata are set, and whatever the server would add or drop by itself is
brought to one form, so that a comparison with the live object sees real differences only.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from shared.logic.inventory import InvalidEntry, parse_id, render_id
from shared.logic.owner import OWNER_NAME, OWNER_NAMESPACE, Owner, decryption_disabled, with_metadata
from shared.model.meta import GroupKind, Object, ObjectKey, ObjectRef

_POD_TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("", "ReplicationController"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}
_CONVERSION = ("spec", "conversion", "webhook", "clientConfig")
# Far beyond what any kind allows (253, for most).
_LONGEST_NAME = 1_024
_LONGEST_SHOWN = 100
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


class UnusableManifest(ValueError):
    """An object of the build cannot be applied; the text names it."""


class EncryptedSecret(UnusableManifest):
    """A Secret still carries SOPS data."""


def prepare(
    objects: Iterable[Object],
    owner: Owner,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> list[Object]:
    """Copies ready to be applied, in the order given. Raises UnusableManifest.

    `labels` and `annotations` are spec.commonMetadata; they win over the manifest's, but never over
    the owner labels, without which nothing would ever be pruned.
    """
    common = {k: v for k, v in (labels or {}).items() if k not in (OWNER_NAME, OWNER_NAMESPACE)}
    prepared = []
    seen: set[tuple[GroupKind, ObjectKey]] = set()
    for obj in objects:
        ref = _require_identity(obj)
        if (ref.group_kind, ref.key) in seen:
            raise UnusableManifest(f"{ref} is there more than once")
        seen.add((ref.group_kind, ref.key))
        require_decrypted(obj)
        _require_json(obj)
        fresh = normalise(obj)
        prepared.append(
            with_metadata(fresh, labels=common | owner.labels, annotations=dict(annotations or {}))
        )
    return prepared


def require_decrypted(obj: Mapping[str, Any]) -> None:
    """Raises EncryptedSecret for a core Secret with a `sops` field, unless it opted out."""
    if obj.get("apiVersion") == "v1" and obj.get("kind") == "Secret" and "sops" in obj:
        if decryption_disabled(obj):
            return
        raise EncryptedSecret(
            f"{ObjectRef.of(obj)} is SOPS encrypted, configuring decryption is required for this "
            "secret to be reconciled"
        )


def _require_identity(obj: Mapping[str, Any]) -> ObjectRef:
    """Raises UnusableManifest unless the object says what it is, in the types that all kinds share."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, Mapping):
        metadata = {}
    named = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "metadata.name": metadata.get("name"),
    }
    who = "/".join(str(part)[:_LONGEST_SHOWN] for part in (named["kind"], metadata.get("name")) if part)
    for field, value in named.items():
        if not isinstance(value, str) or not value:
            raise UnusableManifest(f"{who or 'an object'} has no usable {field}")
    if not isinstance(metadata.get("namespace") or "", str):
        raise UnusableManifest(f"{who} has no usable metadata.namespace")
    _require_recordable(obj, who)
    for field in ("labels", "annotations"):
        words = metadata.get(field)
        if words is not None and not _are_words(words):
            raise UnusableManifest(f"{who} metadata.{field} must be a map of strings, quote its values")
    return ObjectRef.of(obj)


def _require_recordable(obj: Mapping[str, Any], who: str) -> None:
    """Raises UnusableManifest for what the inventory could not give back, before it gets there.

    The API server would refuse almost all of these, but by then they are recorded, and an inventory
    that cannot be read again would keep the Kustomization from ever being mended.
    """
    found = ObjectRef.of(obj)
    ref = replace(found, namespace=found.namespace or "")  # a null is none
    for field, value in (("name", ref.name), ("namespace", ref.namespace), ("kind", ref.kind)):
        if len(value) > _LONGEST_NAME:
            raise UnusableManifest(f"{who}...: its {field} is longer than {_LONGEST_NAME} characters")
    try:
        survives = parse_id(render_id(ref), ref.version) == ref
    except InvalidEntry:
        survives = False
    if not survives:
        raise UnusableManifest(
            f"{ref} cannot be recorded in the inventory: its namespace, name and kind may hold no '_'"
        )


def _are_words(words: object) -> bool:
    return isinstance(words, Mapping) and all(
        isinstance(key, str) and isinstance(word, str | None) for key, word in words.items()
    )


def _require_json(obj: Mapping[str, Any]) -> None:
    """Raises UnusableManifest for what JSON cannot hold: integers over 64 bits, lone surrogates, depth."""
    try:
        orjson.dumps(obj)
    except TypeError as error:
        raise UnusableManifest(f"{ObjectRef.of(obj)} cannot be written as JSON: {error}") from error


def normalise(obj: Object) -> Object:
    """A copy in the form in which the server keeps it. Raises UnusableManifest."""
    ref = ObjectRef.of(obj)
    kind = (ref.group, ref.kind)
    if ref.api_version == "rbac.authorization.k8s.io/v1" and ref.kind in ("Role", "ClusterRole"):
        return obj
    fresh = {key: value for key, value in obj.items() if key != "status" or _is_crd(kind)}
    metadata = dict(fresh["metadata"])
    metadata.pop("creationTimestamp", None)
    for field in ("labels", "annotations"):
        if metadata.get(field):
            # The server reads a null among strings as an empty one, but applies none.
            metadata[field] = {key: word or "" for key, word in metadata[field].items()}
    fresh["metadata"] = metadata
    try:
        if kind == ("", "Secret"):
            _merge_string_data(fresh)
        elif kind == ("", "Service"):
            fresh = _with(fresh, ("spec", "ports"), _tcp_by_default)
        elif _is_crd(kind):
            fresh = _with(fresh, (*_CONVERSION, "caBundle"), _usable_bundle)
        elif kind in _POD_TEMPLATES:
            for containers in _CONTAINERS:
                fresh = _with(fresh, (*_POD_TEMPLATES[kind], containers), _container_ports)
    except (TypeError, AttributeError) as error:
        raise UnusableManifest(f"{ref} normalization error: {error}") from error
    return fresh


def _is_crd(kind: tuple[str, str]) -> bool:
    return kind == ("apiextensions.k8s.io", "CustomResourceDefinition")


def _merge_string_data(secret: Object) -> None:
    plain = secret.pop("stringData", None)
    if not plain:
        return
    encoded = {}
    for key, value in plain.items():
        if not isinstance(value, str):
            raise TypeError(f"stringData.{key} must be a string, quote it")
        encoded[key] = base64.b64encode(value.encode()).decode()
    secret["data"] = {**(secret.get("data") or {}), **encoded}


def _container_ports(containers: list[Any]) -> list[Any]:
    return [_with(container, ("ports",), _tcp_by_default) for container in containers]


def _tcp_by_default(ports: list[Any]) -> list[Any]:
    return [port if port.get("protocol") else {**port, "protocol": "TCP"} for port in ports]


def _with(obj: Object, path: tuple[str, ...], change: Any) -> Object:
    """A copy with the value at `path` changed (None drops it); the object itself where there is none."""
    child = obj.get(path[0])
    if not child:
        return obj
    changed = change(child) if len(path) == 1 else _with(child, path[1:], change)
    if changed is None:
        return {key: value for key, value in obj.items() if key != path[0]}
    return {**obj, path[0]: changed}


def _usable_bundle(bundle: Any) -> Any:
    """Placeholders that an injector fills in later are left out: the server would refuse them."""
    try:
        certificates = base64.b64decode(bundle, validate=True)
    except ValueError:
        return None
    return bundle if b"-----BEGIN CERTIFICATE-----" in certificates else None
