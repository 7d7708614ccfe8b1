"""Read a tar.gz member by member, with a bound on everything that a header can claim.

The standard library's tarfile reads extended headers of any size into memory and follows links;
archives come from strangers, so this reader knows only what an artifact may hold and refuses the rest.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared.artifacts.errors import ArchiveRefused, ArchiveTooLarge

BLOCK = 512
_READ = 64 * 1024
_MAX_EXTENDED_HEADER = 64 * 1024
_GZIP_WINDOW = 31
_MAX_GZIP_STREAMS = 10_000

_REGULAR = (b"0", b"\0", b"7")
_GNU_LONG_NAME, _GNU_LONG_LINK = b"L", b"K"
_PAX, _PAX_GLOBAL = b"x", b"g"
_NAMES_OF_SPECIALS = {
    b"1": "hard link",
    b"2": "symbolic link",
    b"3": "character device",
    b"4": "block device",
    b"6": "fifo",
    b"S": "sparse file",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may cost: bytes of content, number of headers, and compression ratio.

    The ratio counts only above `ratio_free_bytes`: small repetitive files compress extremely well.
    """

    max_bytes: int = 1024**3
    max_members: int = 200_000
    max_ratio: int = 250
    ratio_free_bytes: int = 32 * 1024**2


@dataclass(frozen=True, slots=True)
class Member:
    """A header as read; `special` names what is neither file nor directory ("symbolic link", ...)."""

    name: str
    size: int
    mode: int
    mtime: float
    is_dir: bool
    special: str = ""


class TarStream:
    """Iterate `members()`; after each file, `content()` yields its bytes (skipped when not asked for)."""

    def __init__(self, source: BinaryIO, limits: Limits) -> None:
        self._stream = _Gunzip(source, limits)
        self._limits = limits
        self._unread = 0
        self._padding = 0
        self._headers = 0
        self._claimed = 0

    def members(self) -> Iterator[Member]:
        """Raises ArchiveRefused or ArchiveTooLarge."""
        extended: dict[str, str] = {}
        while (header := self._next_header()) is not None:
            size, kind = _number(header[124:136]), header[156:157]
            if kind in (_GNU_LONG_NAME, _GNU_LONG_LINK, _PAX, _PAX_GLOBAL):
                body = self._extended_body(size)
                if kind == _GNU_LONG_NAME:
                    extended["path"] = _text(body.rstrip(b"\0"))
                elif kind == _PAX:
                    extended |= _parse_pax(body)
                continue
            member = _member(header, kind, size, extended)
            extended = {}
            self._begin_content(member)
            yield member

    def content(self) -> Iterator[bytes]:
        """The current file's bytes in chunks."""
        while self._unread:
            chunk = self._stream.read(min(self._unread, _READ))
            self._unread -= len(chunk)
            yield chunk
        self._stream.read(self._padding)
        self._padding = 0

    def _next_header(self) -> bytes | None:
        for _ in self.content():
            pass
        header = self._stream.read(BLOCK)
        if not any(header):
            self._stream.require_only_zeros()
            return None
        self._headers += 1
        if self._headers > self._limits.max_members:
            raise ArchiveTooLarge(f"archive has more than {self._limits.max_members} entries")
        if _number(header[148:156]) != sum(header) - sum(header[148:156]) + 8 * 32:
            raise ArchiveRefused("archive is damaged: wrong header checksum")
        return header

    def _extended_body(self, size: int) -> bytes:
        if size > _MAX_EXTENDED_HEADER:
            raise ArchiveTooLarge(f"extended header of {size} bytes, at most {_MAX_EXTENDED_HEADER} are read")
        body = self._stream.read(size)
        self._stream.read(-size % BLOCK)
        return body

    def _begin_content(self, member: Member) -> None:
        self._claimed += member.size
        if self._claimed > self._limits.max_bytes:
            raise ArchiveTooLarge(
                f"archive unpacks to more than {self._limits.max_bytes} bytes: stopped at '{member.name}'"
            )
        self._unread = member.size
        self._padding = -member.size % BLOCK


def _member(header: bytes, kind: bytes, size: int, extended: dict[str, str]) -> Member:
    name = extended.get("path") or _header_name(header)
    if any(key.startswith("GNU.sparse.") for key in extended):
        kind = b"S"
    if "size" in extended:
        size = _decimal(extended["size"])
    is_dir = kind == b"5" or (kind == b"\0" and name.endswith("/"))
    special = "" if is_dir or kind in _REGULAR else _NAMES_OF_SPECIALS.get(kind, f"entry of type {kind!r}")
    # By definition a link or a directory has no content, whatever its header claims.
    size = 0 if is_dir or kind in (b"1", b"2") else size
    return Member(name, size, _number(header[100:108]), float(_number(header[136:148])), is_dir, special)


def _header_name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0":
        prefix = header[345:500].split(b"\0", 1)[0]
        name = prefix + b"/" + name if prefix else name
    return _text(name)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Octal text, or GNU's base 256 for what is too large for that."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
        if field[0] & 0x40:
            raise ArchiveRefused("archive is damaged: negative number in a header")
        return value
    text = field.split(b"\0", 1)[0].strip()
    if not all(0x30 <= digit <= 0x37 for digit in text):
        raise ArchiveRefused("archive is damaged: malformed number in a header")
    return int(text or b"0", 8)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ArchiveRefused("archive is damaged: malformed size in an extended header")
    return int(text)


def _parse_pax(body: bytes) -> dict[str, str]:
    """Records of the form `<length> <key>=<value>`, each ended by a newline."""
    records: dict[str, str] = {}
    rest = body
    while rest.rstrip(b"\0"):
        length_text, space, _ = rest.partition(b" ")
        length = _decimal(_text(length_text)) if space and len(length_text) <= 20 else 0
        record = rest[len(length_text) + 1 : length]
        if length > len(rest) or not record.endswith(b"\n") or b"=" not in record:
            raise ArchiveRefused("archive is damaged: malformed extended header")
        key, _, value = record[:-1].partition(b"=")
        records[_text(key)] = _text(value)
        rest = rest[length:]
    return records


class _Gunzip:
    """Decompressed bytes on demand, never more in memory than asked for plus one buffer."""

    def __init__(self, source: BinaryIO, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._gzip = zlib.decompressobj(wbits=_GZIP_WINDOW)
        self._streams = 1
        self._compressed = b""
        self._ready = b""
        self._taken = 0
        self._in = 0
        self._out = 0

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        parts: list[bytes] = []
        missing = size
        while missing:
            if self._taken == len(self._ready) and not self._fill():
                raise ArchiveRefused("archive is truncated")
            part = self._ready[self._taken : self._taken + missing]
            self._taken += len(part)
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)

    def require_only_zeros(self) -> None:
        """Read to the end; this also checks gzip's own checksum."""
        while self._taken < len(self._ready) or self._fill():
            if any(self._ready[self._taken :]):
                raise ArchiveRefused("archive has content behind its end")
            self._taken = len(self._ready)

    def _fill(self) -> bool:
        """Decompress the next piece; False at the proper end of the stream."""
        self._ready, self._taken = b"", 0
        while not self._ready:
            if self._gzip.eof and not self._next_stream():
                return False
            if not self._compressed and not self._read_compressed():
                raise ArchiveRefused("archive is truncated: its gzip stream does not end")
            try:
                self._ready = self._gzip.decompress(self._compressed, _READ)
            except zlib.error as error:
                raise ArchiveRefused(f"archive is not valid gzip: {error}") from error
            self._compressed = self._gzip.unconsumed_tail
            self._count()
        return True

    def _next_stream(self) -> bool:
        """Concatenated gzip streams are read as one, as every gzip reader does."""
        self._compressed = self._gzip.unused_data
        if not self._compressed and not self._read_compressed():
            return False
        self._streams += 1
        if self._streams > _MAX_GZIP_STREAMS:
            raise ArchiveTooLarge(f"archive consists of more than {_MAX_GZIP_STREAMS} gzip streams")
        self._gzip = zlib.decompressobj(wbits=_GZIP_WINDOW)
        return True

    def _read_compressed(self) -> bool:
        self._compressed = self._source.read(_READ)
        self._in += len(self._compressed)
        return bool(self._compressed)

    def _count(self) -> None:
        self._out += len(self._ready)
        limits = self._limits
        # Headers and padding come on top of the content that max_bytes counts.
        if self._out > limits.max_bytes + (limits.max_members + 2) * 4 * BLOCK:
            raise ArchiveTooLarge(f"archive unpacks to more than {limits.max_bytes} bytes")
        if self._out > limits.ratio_free_bytes and self._out > self._in * limits.max_ratio:
            raise ArchiveTooLarge(f"archive is compressed more than {limits.max_ratio} to 1")
