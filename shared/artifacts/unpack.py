"""Extract an artifact where nothing it contains can reach outside or hurt (spec source 5.7).

Only regular files and directories are ever created, so no later member can go through a link.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from shared.artifacts.errors import ArchiveRefused, StorageFailed
from shared.artifacts.tar_stream import Limits, Member, TarStream

_MAX_NAME_BYTES = 4_096
_MAX_PART_BYTES = 255
_MAX_DEPTH = 128
# An archive with more entries than this is read to its end before the next one is written: what has far
# too many is refused before it fills a disk's inodes, and what has few is not read twice.
_ENTRIES_ON_TRUST = 5_000
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Links(Enum):
    """What to do about a symbolic link in an archive."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """How much came out: regular files and their bytes."""

    files: int
    size: int


async def unpack(
    archive: Path, into: Path, *, limits: Limits | None = None, links: Links = Links.SKIP
) -> Unpacked:
    """Extract a tar.gz into an existing directory of our own, in a thread.

    Raises ArchiveRefused or ArchiveTooLarge, naming the member; StorageFailed when the disk does not
    play along. What was written up to then stays and is the caller's to remove.
    """
    return await asyncio.to_thread(unpack_now, archive, into, limits=limits, links=links)


def unpack_now(
    archive: Path, into: Path, *, limits: Limits | None = None, links: Links = Links.SKIP
) -> Unpacked:
    """The same, for callers that are in a thread or a worker process of their own."""
    files = size = 0
    seen_as_file: set[tuple[str, ...]] = set()
    try:
        with archive.open("rb") as source:
            tar = TarStream(source, limits or Limits())
            for number, member in enumerate(tar.members()):
                if number == _ENTRIES_ON_TRUST:
                    _require_bounded(archive, limits)
                path = _safe_path(member.name)
                if path in seen_as_file or (member.special and into.joinpath(*path).exists()):
                    raise ArchiveRefused(f"archive has '{member.name}' twice")
                if member.special:
                    _require_skippable(member, links)
                    seen_as_file.add(path)
                elif member.is_dir:
                    _make_directory(into, path, member.mode)
                else:
                    seen_as_file.add(path)
                    _write_file(into, path, member, tar)
                    files, size = files + 1, size + member.size
    except OSError as error:
        raise StorageFailed(f"unpacking failed: {error.strerror or error}") from error
    return Unpacked(files, size)


def _require_bounded(archive: Path, limits: Limits | None) -> None:
    with archive.open("rb") as source:
        for _ in TarStream(source, limits or Limits()).members():
            pass


def _safe_path(name: str) -> tuple[str, ...]:
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    shown = name if len(name) <= 200 else f"{name[:200]}..."
    if not name or name.startswith("/") or "\\" in name or "\0" in name or ".." in parts:
        raise ArchiveRefused(f"archive entry has an illegal name: {shown!r}")
    if len(os.fsencode(name)) > _MAX_NAME_BYTES or any(len(os.fsencode(p)) > _MAX_PART_BYTES for p in parts):
        raise ArchiveRefused(f"archive entry has a name that is too long: {shown!r}")
    if len(parts) > _MAX_DEPTH:
        raise ArchiveRefused(f"archive entry lies more than {_MAX_DEPTH} directories deep: {shown!r}")
    return parts


def _require_skippable(member: Member, links: Links) -> None:
    if member.special != "symbolic link" or links is Links.REFUSE:
        raise ArchiveRefused(f"archive entry '{member.name}' is a {member.special}")


def _make_directory(into: Path, path: tuple[str, ...], mode: int) -> None:
    directory = into.joinpath(*path)
    _make_parents(directory)
    if path:
        directory.chmod(mode & 0o777 | 0o700)


def _write_file(into: Path, path: tuple[str, ...], member: Member, tar: TarStream) -> None:
    if not path:
        raise ArchiveRefused(f"archive entry has an illegal name: {member.name!r}")
    file = into.joinpath(*path)
    _make_parents(file.parent)
    try:
        descriptor = os.open(file, _NEW_FILE, 0o600)
    except FileExistsError as error:
        raise ArchiveRefused(f"archive has '{member.name}' twice") from error
    with os.fdopen(descriptor, "wb") as out:
        for chunk in tar.content():
            out.write(chunk)
        # Never setuid, setgid or sticky; always readable by ourselves.
        os.fchmod(out.fileno(), member.mode & 0o777 | 0o400)
    moment = min(member.mtime, time.time())
    os.utime(file, (moment, moment), follow_symlinks=False)


def _make_parents(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ArchiveRefused(f"archive has '{directory.name}' both as a file and as a directory") from error
