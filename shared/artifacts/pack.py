"""Turn a tree of files into a tar.gz whose bytes depend on nothing else (spec source 5.2).

Before: shared.git lists a commit's tree, or `entries_below` a directory. After: storage.py publishes.
Contents are streamed, one chunk at a time, so that a large file is never in memory as a whole.
"""

import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import BinaryIO

from shared.logic.digest import Digest, new_hasher

_CHUNK = 256 * 1024
_GZIP_WINDOW = 31  # zlib's way to say: gzip framing, largest window
_END_OF_TAR = bytes(2 * tarfile.BLOCKSIZE)


class EntryKind(Enum):
    """What an entry is; the value is its mode in the archive."""

    DIRECTORY = 0o750
    FILE = 0o600
    EXECUTABLE = 0o700


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes: `size` is known before the first of the `chunks` is read."""

    size: int
    chunks: Iterable[bytes]


_NOTHING = Content(0, ())


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a tree: `path` relative to the root as components.

    `open` is called once, when the entry's turn comes, so that one content at a time is in memory.
    """

    path: tuple[str, ...]
    kind: EntryKind
    open: Callable[[], Content] = lambda: _NOTHING

    @property
    def is_dir(self) -> bool:
        return self.kind is EntryKind.DIRECTORY


@dataclass(frozen=True, slots=True)
class Packed:
    """A finished archive: `size` in bytes as written, `files` without directories."""

    digest: Digest
    size: int
    files: int


def pack(entries: Iterable[Entry], out: BinaryIO, *, algorithm: str = "sha256") -> Packed:
    """Write the entries, in any order, as a tar.gz; the root directory is added.

    Raises OSError, InvalidDigest for an unknown algorithm, and ValueError for a content that is not
    as large as it says.
    """
    sink = _GzipSink(out, algorithm)
    sink.write(_header(Entry((), EntryKind.DIRECTORY), 0))
    files = 0
    for entry in sorted(entries, key=_archive_order):
        if entry.is_dir:
            sink.write(_header(entry, 0) if entry.path else b"")
        else:
            files += 1
            _write_file(entry, entry.open(), sink)
    return sink.finish(files)


def entries_below(directory: Path) -> Iterator[Entry]:
    """The regular files and directories below a directory; links and devices are left out."""
    for folder, subfolders, names in os.walk(directory):
        base = Path(folder).relative_to(directory).parts
        for name in subfolders:
            if not Path(folder, name).is_symlink():
                yield Entry((*base, name), EntryKind.DIRECTORY)
        for name in names:
            file = Path(folder, name)
            status = file.lstat()
            if stat.S_ISREG(status.st_mode):
                kind = EntryKind.EXECUTABLE if status.st_mode & 0o111 else EntryKind.FILE
                yield Entry((*base, name), kind, partial(_open_file, file))


def _open_file(file: Path) -> Content:
    return Content(file.stat().st_size, _chunks(file))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _archive_order(entry: Entry) -> tuple[bytes, ...]:
    """Depth first, each directory's entries by the bytes of their names."""
    return tuple(os.fsencode(part) for part in entry.path)


def _header(entry: Entry, size: int) -> bytes:
    info = tarfile.TarInfo("/".join(entry.path) or ".")
    info.type = tarfile.DIRTYPE if entry.is_dir else tarfile.REGTYPE
    info.mode = entry.kind.value
    info.size = size
    # The GNU dialect keeps names that are not UTF-8 byte for byte; every consumer reads it.
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _write_file(entry: Entry, content: Content, sink: "_GzipSink") -> None:
    sink.write(_header(entry, content.size))
    written = 0
    for chunk in content.chunks:
        written += len(chunk)
        # In slices: what cannot be compressed would otherwise be in memory twice.
        view = memoryview(chunk)
        for start in range(0, len(view), _CHUNK):
            sink.write(view[start : start + _CHUNK])
    if written != content.size:
        raise ValueError(f"{'/'.join(entry.path)}: {content.size} bytes announced, {written} read")
    sink.write(bytes(-written % tarfile.BLOCKSIZE))


class _GzipSink:
    """Compresses what is written, and hashes and counts the result."""

    def __init__(self, out: BinaryIO, algorithm: str) -> None:
        self._out = out
        self._algorithm = algorithm
        self._hasher = new_hasher(algorithm)
        self._gzip = zlib.compressobj(wbits=_GZIP_WINDOW)  # writes no name and no time
        self._size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._emit(self._gzip.compress(data))

    def finish(self, files: int) -> Packed:
        self.write(_END_OF_TAR)
        self._emit(self._gzip.flush())
        return Packed(Digest(self._algorithm, self._hasher.hexdigest()), self._size, files)

    def _emit(self, compressed: bytes) -> None:
        if compressed:
            self._hasher.update(compressed)
            self._size += len(compressed)
            self._out.write(compressed)
