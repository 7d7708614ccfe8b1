"""A folder that a process has for itself while it works."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path


@contextlib.asynccontextmanager
async def own_folder(folder: Path) -> AsyncIterator[None]:
    """There while the context is open, and without what a killed process left in it.

    The /tmp of a pod outlives its containers. Raises OSError when the folder is somebody else's.
    """
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    try:
        yield
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
