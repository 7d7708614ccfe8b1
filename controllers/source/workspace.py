"""A private directory for one run of one object, whatever its kind (spec source 2.2, step 8)."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from controllers.source.conditions import STORAGE_OPERATION_FAILED, Reason, noting
from shared.artifacts.storage import Shelf
from shared.runtime.failure import Failure
from shared.runtime.report import Report


@contextlib.asynccontextmanager
async def workspace(parent: Path, shelf: Shelf, report: Report) -> AsyncIterator[Path]:
    """Gone, with all that is in it, at the end. Raises Failure."""
    # Names may be so long that they together are no file name any more.
    prefix = shelf.path.replace("/", "-")[:200] + "-"
    with noting(report, STORAGE_OPERATION_FAILED):
        try:
            folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=prefix, dir=parent))
        except OSError as error:
            message = f"failed to create temporary working directory: {error.strerror or error}"
            raise Failure(message, reason=Reason.DIRECTORY_CREATION_FAILED) from error
    report.conditions.delete(STORAGE_OPERATION_FAILED)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
