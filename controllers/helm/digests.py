"""Digests by which a release, its values and its rendering options are known again (specs/helm.md 8.1).

Byte-equal to Flux's, so that a release which moves from one controller to the other is not upgraded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controllers.helm.release.record import Hook, HookEvent, Info, Release
from shared.logic.digest import Digest, InvalidDigest, new_hasher
from shared.logic.go_json import encode, sorted_maps
from shared.logic.go_yaml import write
from shared.model.applying import CommonMetadata

CANONICAL = "sha256"

# Go writes the fields of a struct in the order in which they are declared.
_METADATA = (
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
)
_MAINTAINER = ("name", "email", "url")
_DEPENDENCY = (
    "name",
    "version",
    "repository",
    "condition",
    "tags",
    "enabled",
    "import-values",
    "alias",
)
_SELECTOR = ("group", "version", "kind", "namespace", "name", "annotationSelector", "labelSelector")
_IMAGE = ("name", "newName", "newTag", "digest")


def config_digest(values: Mapping[str, Any], algorithm: str = CANONICAL) -> str:
    """Of the values as YAML with sorted keys; of nothing where there are none. Raises InvalidDigest."""
    return _digest(write(sorted_maps(values), sort_keys=False).encode() if values else b"", algorithm)


def config_matches(digest: str, values: Mapping[str, Any]) -> bool:
    """Does the digest, by whichever algorithm, belong to these values?"""
    try:
        return config_digest(values, Digest.parse(digest).algorithm) == digest
    except InvalidDigest:
        return False


def release_digest(release: Release, oci_digest: str = "", algorithm: str = CANONICAL) -> str:
    """Of a stored revision without its test hooks. Raises InvalidDigest for an unknown algorithm."""
    hooks = [_hook(hook) for hook in release.hooks if not hook.runs_at(HookEvent.TEST)]
    metadata = release.chart.get("metadata")
    observation = {
        "name": release.name,
        "version": release.version,
        "info": _info(release.info),
        "chartMetadata": _chart_metadata(metadata if isinstance(metadata, Mapping) else {}),
        "config": sorted_maps(release.config) if release.config else None,
        "manifest": release.manifest,
        "hooks": hooks or None,
        "namespace": release.namespace,
    }
    if oci_digest:
        observation["ociDigest"] = oci_digest
    return _digest(encode(observation) + b"\n", algorithm)


def release_matches(digest: str, release: Release, oci_digest: str) -> bool:
    """Is the stored revision the one that the digest was made of?"""
    try:
        return release_digest(release, oci_digest, Digest.parse(digest).algorithm) == digest
    except InvalidDigest:
        return False


def post_renderers_digest(post_renderers: Sequence[Mapping[str, Any]]) -> str:
    """Empty where there are none."""
    return (
        _digest(encode([_post_renderer(item) for item in post_renderers]) + b"\n") if post_renderers else ""
    )


def common_metadata_digest(common: CommonMetadata | None) -> str:
    """Empty where there is none."""
    if common is None:
        return ""
    fields = {"annotations": sorted_maps(common.annotations), "labels": sorted_maps(common.labels)}
    return _digest(encode(_filled(fields)) + b"\n")


def _digest(content: bytes, algorithm: str = CANONICAL) -> str:
    hasher = new_hasher(algorithm)
    hasher.update(content)
    return f"{algorithm}:{hasher.hexdigest()}"


def _info(info: Info) -> Mapping[str, Any]:
    fields = {
        "first_deployed": info.first_deployed,
        "last_deployed": info.last_deployed,
        "deleted": info.deleted,
        "description": info.description,
        "status": info.status.value,
        "notes": info.notes,
        "resources": sorted_maps(info.rest.get("resources")),
    }
    return _filled(fields)


def _hook(hook: Hook) -> Mapping[str, Any]:
    run = hook.last_run
    times = _filled({"started_at": run.started_at, "completed_at": run.completed_at})
    fields = {
        "name": hook.name,
        "kind": hook.kind,
        "path": hook.path,
        "manifest": hook.manifest,
        "events": list(hook.events),
        "last_run": {**times, "phase": run.phase.value},
        "weight": hook.weight,
        "delete_policies": list(hook.delete_policies),
        "output_log_policies": list(hook.output_log_policies),
    }
    return _filled(fields)


def _chart_metadata(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = _ordered(metadata, _METADATA)
    if "annotations" in fields:
        fields["annotations"] = sorted_maps(fields["annotations"])
    for name, order in (("maintainers", _MAINTAINER), ("dependencies", _DEPENDENCY)):
        if name in fields:
            always = ("name", "repository") if name == "dependencies" else ()
            fields[name] = [_ordered(item or {}, order, always) for item in fields[name]]
    return fields


def _post_renderer(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    kustomize = raw.get("kustomize")
    if kustomize is None:
        return {}
    patches = []
    for item in kustomize.get("patches") or ():
        patch: dict[str, Any] = {"patch": item["patch"]}
        if item.get("target") is not None:
            patch["target"] = _ordered(item["target"], _SELECTOR)
        patches.append(patch)
    images = [_ordered(item, _IMAGE, ("name",)) for item in kustomize.get("images") or ()]
    return {"kustomize": _filled({"patches": patches, "images": images})}


def _ordered(raw: Mapping[str, Any], order: Sequence[str], always: Sequence[str] = ()) -> dict[str, Any]:
    """These fields in this order; empty ones are left out, but for those that Go always writes."""
    return {
        name: raw.get(name) or ("" if name in always else raw.get(name))
        for name in order
        if raw.get(name) or name in always
    }


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value or value is False}
