"""Find the manifest that an OCIRepository means, and fetch its layer (spec source 9.2)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controllers.source.conditions import Reason
from controllers.source.oci_reference import DEFAULT_TAG, InvalidFilter, Target, VersionChoice
from shared.logic.semver import InvalidRange
from shared.model.source import LayerSelector, OciRepository
from shared.oci.errors import (
    ContentMismatch,
    ContentTooLarge,
    InvalidContent,
    InvalidCredentials,
    OciError,
    TooManyRequests,
)
from shared.oci.manifest import Descriptor, Manifest
from shared.oci.reference import require_digest
from shared.oci.registry import Registry
from shared.runtime.failure import Failure

_MAX_LAYER_BYTES = 1024**3
_LONGEST_PAUSE = 3600.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """A layer's blob on disk, and the annotations of its manifest."""

    blob: Path
    annotations: Mapping[str, str]


async def resolve(registry: Registry, repo: OciRepository) -> Target:
    """One question at most while the tag is named. Raises Failure."""
    reference = repo.reference
    if reference.digest:
        async with _failing(Reason.OCI_PULL_FAILED, "failed to determine artifact digest", repo.timeout):
            require_digest(reference.digest)
        return Target("", reference.digest)
    tag = reference.tag or DEFAULT_TAG
    if reference.semver:
        doing = f"failed to determine the artifact tag for '{repo.url}'"
        async with _failing(Reason.READ_OPERATION_FAILED, doing, repo.timeout):
            tag = await _highest(registry, repo)
    async with _failing(Reason.OCI_PULL_FAILED, "failed to determine artifact digest", repo.timeout):
        return Target(tag, await registry.digest(tag))


async def _highest(registry: Registry, repo: OciRepository) -> str:
    layer = repo.content.layer or LayerSelector()
    try:
        choice = VersionChoice(repo.reference, layer_type=layer.media_type)
    except (InvalidRange, InvalidFilter) as error:
        reason = Reason.READ_OPERATION_FAILED
        raise Failure(f"failed to parse semver or filter: {error}", reason=reason) from error
    async for tags in registry.tag_pages():
        choice.consider(tags)
    if not choice.tag:
        raise Failure(
            f"no match found for semver: {repo.reference.semver}", reason=Reason.READ_OPERATION_FAILED
        )
    return choice.tag


async def pull(registry: Registry, repo: OciRepository, target: Target, folder: Path) -> Pulled:
    """Fetch the manifest by digest and the wanted layer to disk. Raises Failure."""
    where = f"'{registry.repository.at(target.digest)}'"
    async with _failing(Reason.OCI_PULL_FAILED, f"failed to pull artifact from {where}", repo.timeout):
        manifest = await _image(registry, target)
    layer = choose_layer(manifest, repo.content.layer or LayerSelector())
    doing = f"failed to pull layer {layer.digest} from {where}"
    blob = folder / "layer"
    async with _failing(Reason.OCI_LAYER_OPERATION_FAILED, doing, repo.timeout):
        try:
            await registry.fetch_blob(layer, blob, max_bytes=_MAX_LAYER_BYTES)
        except OSError as error:
            reason = Reason.OCI_LAYER_OPERATION_FAILED
            raise Failure(f"{doing}: {error.strerror or error}", reason=reason) from error
    return Pulled(blob, manifest.annotations)


async def _image(registry: Registry, target: Target) -> Manifest:
    try:
        return await registry.image(target.digest)
    except (ContentMismatch, ContentTooLarge):
        raise
    except InvalidContent as error:
        reason = Reason.OCI_LAYER_OPERATION_FAILED
        raise Failure(f"failed to parse artifact manifest: {error}", reason=reason) from error


def choose_layer(manifest: Manifest, selector: LayerSelector) -> Descriptor:
    """The first layer of exactly the wanted media type, or the first of all. Raises Failure."""
    if not manifest.layers:
        raise Failure("no layers found in artifact", reason=Reason.OCI_LAYER_OPERATION_FAILED)
    for layer in manifest.layers:
        if selector.media_type in ("", layer.media_type):
            return layer
    raise Failure(
        f"failed to find layer with media type '{selector.media_type}' in artifact",
        reason=Reason.OCI_LAYER_OPERATION_FAILED,
    )


@contextlib.asynccontextmanager
async def _failing(reason: Reason, doing: str, within: timedelta) -> AsyncIterator[None]:
    """Bound a step in time, and let what a registry does wrong be a Failure with a reason."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            yield
    except TimeoutError as error:
        raise Failure(f"{doing}: timed out after {within.total_seconds():g}s", reason=reason) from error
    except TooManyRequests as error:
        wait = (
            None if error.retry_after is None else timedelta(seconds=min(error.retry_after, _LONGEST_PAUSE))
        )
        raise Failure(f"{doing}: {error}", reason=reason, retry_in=wait) from error
    except InvalidCredentials as error:
        raise Failure(f"{doing}: {error}", reason=Reason.AUTHENTICATION_FAILED) from error
    except OciError as error:
        raise Failure(f"{doing}: {error}", reason=reason) from error
