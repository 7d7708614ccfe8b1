"""Give a finished file its place in the storage, and the stable address that leads to it."""

import asyncio
from pathlib import Path

from controllers.source.conditions import Reason
from shared.artifacts.errors import StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.logic.digest import Digest
from shared.model.artifact import Artifact
from shared.model.event import EventType
from shared.runtime.report import Report


async def publish(
    storage: Storage, shelf: Shelf, name: str, draft: Path, identity: tuple[str, Digest]
) -> Artifact:
    """`identity` is revision and digest. Raises StorageFailed."""
    revision, digest = identity
    return await asyncio.to_thread(storage.publish, shelf, name, draft, revision=revision, digest=digest)


async def point_at(storage: Storage, report: Report, artifact: Artifact, link: str) -> None:
    """A stable address for the newest artifact: nice to have, so its failure is only told."""
    try:
        report.status["url"] = await asyncio.to_thread(storage.point_at, artifact, link)
    except StorageFailed as error:
        report.tell(
            EventType.TRACE, Reason.SYMLINK_UPDATE_FAILED, f"failed to update status URL symlink: {error}"
        )
