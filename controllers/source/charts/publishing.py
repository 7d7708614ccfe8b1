"""Give a finished file its place in the storage."""

import asyncio
from pathlib import Path

from shared.artifacts.storage import Shelf, Storage
from shared.logic.digest import Digest
from shared.model.artifact import Artifact


async def publish(
    storage: Storage, shelf: Shelf, name: str, draft: Path, identity: tuple[str, Digest]
) -> Artifact:
    """`identity` is revision and digest. Raises StorageFailed."""
    revision, digest = identity
    return await asyncio.to_thread(storage.publish, shelf, name, draft, revision=revision, digest=digest)
