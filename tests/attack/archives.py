"""Archives, good and evil, made when they are needed: no bomb lies in the repository."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping

_END = bytes(1024)


def entry(
    name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> bytes:
    """One member as it stands in a tar: header, content, padding."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.mode = len(content), kind, link, mode
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def packed(*entries: bytes) -> bytes:
    return gzip.compress(b"".join(entries) + _END, compresslevel=1, mtime=0)


def of_files(files: Mapping[str, str | bytes]) -> bytes:
    return packed(
        *(entry(name, text if isinstance(text, bytes) else text.encode()) for name, text in files.items())
    )


def claiming(name: str, size: int, *, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header that promises `size` bytes, and nothing after it."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT))


def long_name(length: int) -> bytes:
    """A GNU long-name member whose name has that many bytes."""
    return packed(entry("././@LongLink", b"a" * length + b"\0", kind=b"L"), entry("short", b"x"))


def repeated(head: bytes, piece: bytes, times: int) -> bytes:
    """A gzip stream of the head and then many times the piece, made in the time of one.

    After a full flush, a deflate stream depends on nothing before it, so its text can be repeated.
    """
    start = io.BytesIO()
    start.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
    start.write(_flushed(head))
    start.write(_flushed(piece) * times)
    return start.getvalue() + zlib.compress(b"", wbits=-15) + bytes(8)


def _flushed(content: bytes) -> bytes:
    deflate = zlib.compressobj(9, wbits=-15)
    return deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH)


def bomb(size: int) -> bytes:
    """One file of zeros that unpacks to `size` bytes, a multiple of 16 MiB."""
    info = tarfile.TarInfo("zeros.yaml")
    info.size = size
    piece = bytes(16 * 2**20)
    return repeated(info.tobuf(tarfile.GNU_FORMAT), piece, size // len(piece))


def many_files(count: int) -> bytes:
    """That many empty files, each with a name of its own."""
    template = bytearray(entry("f0000000", mode=0o644))
    packer = zlib.compressobj(1, wbits=31)
    out = []
    without_digits = sum(template[:148]) + sum(template[156:]) + 8 * 32 - 7 * 48
    for number in range(count):
        digits = f"{number:07d}".encode()
        template[1:8] = digits
        template[148:156] = f"{without_digits + sum(digits):06o}\0 ".encode()
        out.append(packer.compress(bytes(template)))
    return b"".join(out) + packer.compress(_END) + packer.flush()
