"""The tags of each ImageRepository on disk: one small file each, safe against crashes (specs/image.md 6).

A file belongs to one object, because what the credentials of one namespace may list is nobody else's. It
holds zlib of the image's canonical name and its tags, one a line, so damage is noticed; what is lost is
scanned again. Every method but `sweep` touches one file and blocks for as long as that takes.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import BinaryIO

import structlog

from shared.model.meta import ObjectKey

log = structlog.get_logger()

_FOLDER, _SUFFIX, _PARTIAL = "imagerepository", ".tags.z", ".partial"
# Tags repeat each other so much that the fastest level does.
_LEVEL = 1
_HEAD = 4_096
# Of a damaged or foreign file nothing beyond this is unpacked: as many tags as are kept, each of full length.
_MAX_TEXT = 70_000_000


Stamp = tuple[int, int, int]
"""Tells one content of a file from the next: it is another one after every change, and only then."""


class StoreFailed(Exception):
    """The disk did not take or give a file."""


class TagStore:
    """Tags below `root`, which is made when it is first written to."""

    def __init__(self, root: Path) -> None:
        self._root = root / _FOLDER

    def keep(self, key: ObjectKey, image: str, tags: Sequence[str]) -> Stamp:
        """Replace what is stored, in one step; returns its stamp. Raises StoreFailed."""
        return self._write(key, zlib.compress("\n".join((image, *tags)).encode(), _LEVEL))

    def copy(self, source: ObjectKey, target: ObjectKey, image: str, stamp: Stamp) -> Stamp | None:
        """Give `target` what `source` had when its stamp was that; returns the stamp of the copy.

        None where the file is gone, another one, or not sound. Raises StoreFailed.
        """
        read = _read(self._path(source))
        if read is None or read[1] != stamp or self._tags(source, image, read[0]) is None:
            return None
        return stamp if source == target else self._write(target, read[0])

    def load(self, key: ObjectKey, image: str) -> list[str] | None:
        """In descending order. None without a sound file of that image. Raises StoreFailed."""
        read = _read(self._path(key))
        return None if read is None else self._tags(key, image, read[0])

    def holds(self, key: ObjectKey, image: str) -> bool:
        """Whether there are tags of that image, by a look at the head of the file. Raises StoreFailed."""
        read = _read(self._path(key), _HEAD)
        if read is None:
            return False
        try:
            head = zlib.decompressobj().decompress(read[0], _HEAD)
        except zlib.error:
            return False
        name, separator, first = head.partition(b"\n")
        return name == image.encode() and bool(separator and first)

    def stamp(self, key: ObjectKey) -> Stamp | None:
        """None without a file. Raises StoreFailed."""
        read = _read(self._path(key), 0)
        return None if read is None else read[1]

    def remove(self, key: ObjectKey) -> None:
        """Raises StoreFailed."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise StoreFailed(f"failed to remove stored tags: {error.strerror or error}") from error

    def sweep(self, live: Collection[ObjectKey]) -> int:
        """Remove the files of all other objects; returns how many. Raises StoreFailed."""
        removed = 0
        try:
            for path in list(self._root.glob("*/*")):
                name = path.name.removesuffix(_PARTIAL).removesuffix(_SUFFIX)
                if ObjectKey(path.parent.name, name) not in live:
                    path.unlink(missing_ok=True)
                    removed += 1
        except OSError as error:
            raise StoreFailed(f"failed to remove stored tags: {error.strerror or error}") from error
        return removed

    def _tags(self, key: ObjectKey, image: str, packed: bytes) -> list[str] | None:
        try:
            found, *tags = _unpack(packed).split("\n")
        except (zlib.error, UnicodeDecodeError) as error:
            log.warning("stored tags are damaged and will be scanned again", key=str(key), error=str(error))
            self.remove(key)
            return None
        return tags if found == image else None

    def _write(self, key: ObjectKey, packed: bytes) -> Stamp:
        path = self._path(key)
        before = _read(path)
        if before is not None and before[0] == packed:
            return before[1]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return _replace(path, packed)
        except OSError as error:
            raise StoreFailed(f"failed to store tags: {error.strerror or error}") from error

    def _path(self, key: ObjectKey) -> Path:
        return self._root / key.namespace / f"{key.name}{_SUFFIX}"


def _read(path: Path, limit: int = -1) -> tuple[bytes, Stamp] | None:
    """At most `limit` bytes of a file, and its stamp; None where there is none. Raises StoreFailed."""
    try:
        with path.open("rb") as file:
            return file.read(limit), _stamp(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreFailed(f"failed to read stored tags: {error.strerror or error}") from error


def _stamp(file: BinaryIO) -> Stamp:
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_mtime_ns, found.st_size


def _unpack(packed: bytes) -> str:
    """Raises zlib.error for what is damaged, cut short or far too long."""
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(packed, _MAX_TEXT)
    if not unpacking.eof:
        raise zlib.error("incomplete or too long")
    return text.decode()


def _replace(path: Path, content: bytes) -> Stamp:
    partial = path.with_name(f"{path.name}{_PARTIAL}")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        stamp = _stamp(file)
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return stamp
