"""Which objects a Bucket means, and their content (spec source 12.2)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controllers.source.buckets.download import Allowance, download, save
from controllers.source.buckets.errors import BucketError, BucketMissing, ObjectGone, StoreBusy
from controllers.source.buckets.keys import IGNORE_FILE, Chosen, choose, revision_of, rules_of
from controllers.source.buckets.store import Limits, Listed, ObjectStore, listed
from controllers.source.conditions import Reason
from shared.logic.ignore import InvalidIgnoreRules
from shared.model.bucket import Bucket
from shared.runtime.failure import Failure

LIMITS = Limits()
_MAX_IGNORE_BYTES = 1024 * 1024
_LONGEST_PAUSE = 3600.0


@dataclass(frozen=True, slots=True)
class Found:
    """A bucket as listed; `ignore_file` is in the workspace where the bucket has one."""

    chosen: Chosen
    revision: str


async def find(store: ObjectStore, bucket: Bucket, folder: Path, algorithm: str) -> Found:
    """One listing; the ignore file is read only where there may be one. Raises Failure."""
    async with _failing(bucket, "failed to fetch bucket index"):
        objects = [each async for each in listed(store, bucket.prefix, LIMITS)]
        text = ""
        if _may_have_ignore_file(objects, bucket.prefix):
            text = await _ignore_file(store, folder / IGNORE_FILE)
        chosen = await asyncio.to_thread(choose, objects, rules_of(text, bucket.ignore), LIMITS)
    etags = {key: each.etag for key, each in chosen.objects.items()}
    return Found(chosen, revision_of(etags, algorithm))


def _may_have_ignore_file(objects: list[Listed], prefix: str) -> bool:
    """A listing with a prefix says nothing about the root."""
    return not IGNORE_FILE.startswith(prefix) or any(each.key == IGNORE_FILE for each in objects)


async def _ignore_file(store: ObjectStore, file: Path) -> str:
    try:
        async with store.opened(IGNORE_FILE) as response:
            await save(response, file, Allowance(_MAX_IGNORE_BYTES, _MAX_IGNORE_BYTES))
    except ObjectGone:
        return ""
    return (await asyncio.to_thread(file.read_bytes)).decode("utf-8", "surrogateescape")


async def fetch(store: ObjectStore, bucket: Bucket, found: Found, folder: Path, algorithm: str) -> Found:
    """Download what was found; what comes back is what really came. Raises Failure."""
    async with _failing(bucket, "failed to fetch objects"):
        try:
            etags = await download(store, found.chosen.objects.values(), folder, LIMITS.content)
        except OSError as error:
            raise Failure(
                f"failed to store objects: {error.strerror or error}", reason=Reason.BUCKET_OPERATION_FAILED
            ) from error
    came = {key: each for key, each in found.chosen.objects.items() if key in etags}
    return Found(Chosen(came, found.chosen.size), revision_of(etags, algorithm))


@contextlib.asynccontextmanager
async def _failing(bucket: Bucket, doing: str) -> AsyncIterator[None]:
    """Bound a step in time, and let what a store does wrong be a Failure with a reason."""
    reason = Reason.BUCKET_OPERATION_FAILED
    seconds = bucket.timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Failure(f"{doing}: timed out after {seconds:g}s", reason=reason) from error
    except BucketMissing as error:
        raise Failure(f"bucket '{bucket.bucket_name}' not found: {error}", reason=reason) from error
    except StoreBusy as error:
        wait = error.retry_after
        later = None if wait is None else timedelta(seconds=min(wait, _LONGEST_PAUSE))
        raise Failure(f"{doing}: {error}", reason=reason, retry_in=later) from error
    except (BucketError, InvalidIgnoreRules) as error:
        raise Failure(f"{doing}: {error}", reason=reason) from error
