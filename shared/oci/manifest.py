"""Manifests and indexes as values; everything in them may be hostile (OCI image specification 1.1): pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.oci.errors import InvalidContent
from shared.oci.reference import is_digest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
ACCEPT = f"{MANIFEST}, {INDEX}, {_DOCKER_MANIFEST}, {_DOCKER_LIST}"
"""What we can read; a registry converts nothing nowadays, but may refuse without it."""

_MAX_ENTRIES = 10_000
_MAX_ANNOTATIONS_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to content; `size` is in bytes."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""
    platform: tuple[str, str] = ("", "")
    """Operating system and architecture, of an index's entries."""


@dataclass(frozen=True, slots=True)
class Manifest:
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Index:
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str]

    def for_platform(self, system: str = "linux", architecture: str = "amd64") -> Descriptor:
        """The entry that every client takes by default. Raises InvalidContent."""
        for entry in self.manifests:
            if entry.platform == (system, architecture):
                return entry
        raise InvalidContent(f"the index has no image for platform {system}/{architecture}")


def parse_manifest(raw: bytes) -> Manifest | Index:
    """Read either kind. Raises InvalidContent."""
    document = parse_object(raw, "manifest")
    annotations = _annotations(document.get("annotations"))
    if document.get("schemaVersion") != 2:
        raise InvalidContent(f"manifest of schema version {str(document.get('schemaVersion'))[:20]}, not 2")
    is_index = document.get("mediaType") in (INDEX, _DOCKER_LIST) or (
        "manifests" in document and "layers" not in document
    )
    if is_index:
        return Index(_descriptors(document.get("manifests")), annotations)
    return Manifest(_descriptors(document.get("layers")), annotations)


def parse_object(raw: bytes, what: str) -> dict[str, Any]:
    """JSON from a stranger. Raises InvalidContent."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidContent(f"{what} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidContent(f"{what} is not a JSON object")
    return found


def _descriptors(raw: object) -> tuple[Descriptor, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or len(raw) > _MAX_ENTRIES:
        raise InvalidContent(f"manifest has no list of at most {_MAX_ENTRIES} entries")
    return tuple(_descriptor(item) for item in raw)


def _descriptor(raw: object) -> Descriptor:
    if not isinstance(raw, dict):
        raise InvalidContent("manifest has an entry that is no descriptor")
    media_type, digest, size = raw.get("mediaType"), raw.get("digest"), raw.get("size")
    if not isinstance(media_type, str) or not isinstance(digest, str) or not is_digest(digest):
        raise InvalidContent(f"manifest has an entry with media type or digest missing: {str(digest)[:150]}")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        raise InvalidContent(f"manifest has an entry without a usable size: {digest}")
    platform = raw.get("platform")
    known = platform if isinstance(platform, dict) else {}
    return Descriptor(
        media_type,
        digest,
        size,
        _annotations(raw.get("annotations")),
        str(raw.get("artifactType") or ""),
        (str(known.get("os") or ""), str(known.get("architecture") or "")),
    )


def _annotations(raw: object) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise InvalidContent("annotations of a manifest must be strings")
    if sum(len(key) + len(value) for key, value in raw.items()) > _MAX_ANNOTATIONS_BYTES:
        raise InvalidContent(f"annotations of a manifest exceed {_MAX_ANNOTATIONS_BYTES} characters")
    return raw
