"""Write to a repository: blobs, manifests, tags. What publishing an artifact takes, and no more."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urljoin

import aiohttp
import orjson

from shared.oci.errors import ContentMismatch, RegistryDenied, RegistryUnreachable
from shared.oci.manifest import INDEX, MANIFEST, Descriptor
from shared.oci.reference import digest_of
from shared.oci.registry import Registry
from shared.oci.transport import origin, refusal

_EMPTY = b"{}"
EMPTY_CONFIG = Descriptor("application/vnd.oci.empty.v1+json", digest_of(_EMPTY), len(_EMPTY))


async def push_blob(registry: Registry, content: bytes, media_type: str) -> Descriptor:
    """Upload in one piece unless it is there already. Raises OciError."""
    descriptor = Descriptor(media_type, digest_of(content), len(content))
    async with registry.answer("HEAD", f"blobs/{descriptor.digest}") as response:
        if response.status == 200:
            return descriptor
    async with registry.answer("POST", "blobs/uploads/", body=b"") as response:
        await _require(registry, response, 202)
        target = urljoin(str(response.url), response.headers.get("Location", ""))
        if origin(target) != origin(str(response.url)):
            raise RegistryDenied(f"{registry.repository.host} wants the blob to be sent to another host")
    joiner = "&" if "?" in target else "?"
    url = f"{target}{joiner}{urlencode({'digest': descriptor.digest})}"
    async with registry.answer("PUT", url, body=content) as response:
        await _require(registry, response, 201)
    return descriptor


async def push_manifest(
    registry: Registry, reference: str, document: Mapping[str, Any], media_type: str = MANIFEST
) -> Descriptor:
    """Store a manifest or index under a tag or its own digest (empty reference). Raises OciError."""
    raw = orjson.dumps(document)
    descriptor = Descriptor(media_type, digest_of(raw), len(raw))
    path = f"manifests/{reference or descriptor.digest}"
    async with registry.answer("PUT", path, body=raw, media_type=media_type) as response:
        await _require(registry, response, 201)
        stored = response.headers.get("Docker-Content-Digest", descriptor.digest)
    if stored != descriptor.digest:
        raise ContentMismatch(f"{registry.repository.host} stored {stored} instead of {descriptor.digest}")
    return descriptor


async def push_artifact(
    registry: Registry,
    tag: str,
    layers: Sequence[tuple[bytes, str]],
    *,
    annotations: Mapping[str, str] | None = None,
    subject: Descriptor | None = None,
    artifact_type: str = "",
) -> Descriptor:
    """Layers as (content, media type) and the manifest that holds them; `subject` makes it a referrer."""
    await push_blob(registry, _EMPTY, EMPTY_CONFIG.media_type)
    pushed = [await push_blob(registry, content, media_type) for content, media_type in layers]
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": render(EMPTY_CONFIG),
        "layers": [render(layer) for layer in pushed],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    if artifact_type:
        document["artifactType"] = artifact_type
    if subject is not None:
        document["subject"] = render(subject)
    return await push_manifest(registry, tag, document)


async def push_index(registry: Registry, tag: str, manifests: Sequence[Descriptor]) -> Descriptor:
    """An index under a tag. Raises OciError."""
    entries = [render(entry) for entry in manifests]
    return await push_manifest(
        registry, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX
    )


def render(descriptor: Descriptor) -> dict[str, Any]:
    """As JSON."""
    raw: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
    if descriptor.annotations:
        raw["annotations"] = dict(descriptor.annotations)
    if descriptor.artifact_type:
        raw["artifactType"] = descriptor.artifact_type
    if descriptor.platform != ("", ""):
        raw["platform"] = dict(zip(("os", "architecture"), descriptor.platform, strict=True))
    return raw


async def _require(registry: Registry, response: aiohttp.ClientResponse, status: int) -> None:
    if response.status == status:
        return
    said = await refusal(response)
    message = f"{registry.repository}: {registry.repository.host} answered {response.status} {said}".rstrip()
    if response.status in (401, 403):
        raise RegistryDenied(message)
    raise RegistryUnreachable(message)
