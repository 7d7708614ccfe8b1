"""A chart version in some repository, and how its archive is had; for charts and for dependencies alike."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Remote:
    """`fetch` writes the archive to a new file, or raises Failure."""

    name: str
    version: str
    fetch: Callable[[Path], Awaitable[None]]
