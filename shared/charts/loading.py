"""Read a chart's archive within bounds, as a tree of charts, and write a changed one.

What a name in the archive means is decided as Helm does; whether the chart is valid is the engine's to say.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.charts.errors import InvalidChart

MAX_ARCHIVE_BYTES = 20 * 2**20
MAX_UNPACKED_BYTES = 100 * 2**20
MAX_FILE_BYTES = 5 * 2**20
MAX_FILES = 10_000
MAX_NESTING = 10
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class ChartFile:
    """`name` is relative to its chart; `modified` is in seconds since 1970."""

    name: str
    data: bytes
    modified: float


@dataclass(slots=True)
class ChartTree:
    """One chart and those in its `charts/`; `folder` is the path from the outermost, `charts/a/charts/b`."""

    folder: str = ""
    files: list[ChartFile] = field(default_factory=list)
    parts: list[ChartTree] = field(default_factory=list)

    def walk(self) -> Iterator[ChartTree]:
        """The chart and all below."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def copy(self) -> ChartTree:
        """Trees and files of its own; what is in the files is shared."""
        files = [ChartFile(file.name, file.data, file.modified) for file in self.files]
        return ChartTree(self.folder, files, [part.copy() for part in self.parts])

    def find(self, name: str) -> ChartFile | None:
        """The last file of that name, which is the one that counts."""
        return next((file for file in reversed(self.files) if file.name == name), None)


class _Budget:
    """What may still be unpacked, over all nested archives together."""

    def __init__(self) -> None:
        self.bytes_left = MAX_UNPACKED_BYTES
        self.files_left = MAX_FILES

    def spend(self, count: int) -> None:
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise InvalidChart(f"the chart unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")

    def spend_file(self) -> None:
        self.files_left -= 1
        if self.files_left < 0:
            raise InvalidChart(f"the chart has more than {MAX_FILES} files")


class _Metered(io.RawIOBase):
    """A gzip stream that stops at the budget instead of at the end of a bomb."""

    def __init__(self, raw: bytes, budget: _Budget) -> None:
        self._source = gzip.GzipFile(fileobj=io.BytesIO(raw))
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size if size >= 0 else MAX_UNPACKED_BYTES)
        self._budget.spend(len(data))
        return data


def read_archive(raw: bytes) -> ChartTree:
    """The chart in a .tgz. Raises InvalidChart."""
    if len(raw) > MAX_ARCHIVE_BYTES:
        raise InvalidChart(f"the chart's archive is larger than {MAX_ARCHIVE_BYTES >> 20} MiB")
    return _read(raw, ChartTree(), _Budget(), MAX_NESTING)


def write_archive(tree: ChartTree, top: str = "chart") -> bytes:
    """The tree as a .tgz that unpacks to folder `top`; nested archives have become folders."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=0, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for chart in tree.walk():
            for file in chart.files:
                header = tarfile.TarInfo(posixpath.join(top, chart.folder, file.name))
                header.size = len(file.data)
                header.mtime = file.modified
                tar.addfile(header, io.BytesIO(file.data))
    return buffer.getvalue()


def _read(raw: bytes, tree: ChartTree, budget: _Budget, nesting: int) -> ChartTree:
    _sort_in(tree, list(_files(raw, budget)), budget, nesting)
    return tree


def _files(raw: bytes, budget: _Budget) -> Iterator[ChartFile]:
    try:
        with tarfile.open(fileobj=_Metered(raw, budget), mode="r|", bufsize=65536) as tar:
            for member in tar:
                if member.isdir():
                    continue
                budget.spend_file()
                if member.size > MAX_FILE_BYTES:
                    raise InvalidChart(f"{member.name[:200]} is larger than {MAX_FILE_BYTES >> 20} MiB")
                # A link has no content of its own, and Helm reads it as an empty file.
                source = tar.extractfile(member) if member.isreg() else None
                data = b"" if source is None else source.read()
                yield ChartFile(_name(member.name), data.removeprefix(_BOM), member.mtime)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, struct.error) as error:
        raise InvalidChart(f"the chart is not a .tgz archive: {error}") from error


def _name(name: str) -> str:
    """The path without the folder that everything is in; what is wrong with it the engine will say."""
    delimiter = "\\" if "\\" in name else "/"
    return posixpath.normpath("/".join(name.split(delimiter)[1:]))


def _sort_in(tree: ChartTree, files: list[ChartFile], budget: _Budget, nesting: int) -> None:
    """Files of this chart into the tree, files of its sub-charts into trees of their own."""
    below: dict[str, list[ChartFile]] = {}
    for file in files:
        folder, _, rest = file.name.removeprefix("charts/").partition("/")
        if not file.name.startswith("charts/") or folder[:1] in "_." or file.name.endswith(".prov"):
            tree.files.append(file)
        elif rest:
            below.setdefault(folder, []).append(ChartFile(rest, file.data, file.modified))
        elif folder.endswith(".tgz"):
            _nested(tree, file, budget, nesting)
        else:
            tree.files.append(file)
    for folder, inside in below.items():
        part = ChartTree(_folder(tree, folder))
        _require_depth(nesting)
        _sort_in(part, inside, budget, nesting - 1)
        tree.parts.append(part)


def _nested(tree: ChartTree, file: ChartFile, budget: _Budget, nesting: int) -> None:
    _require_depth(nesting)
    # The folder must not end in .tgz, and must not be one that the archive has as a folder.
    part = ChartTree(_folder(tree, f"packed-{len(tree.parts)}"))
    tree.parts.append(_read(file.data, part, budget, nesting - 1))


def _folder(tree: ChartTree, name: str) -> str:
    return posixpath.join(tree.folder, "charts", name)


def _require_depth(nesting: int) -> None:
    if nesting <= 0:
        raise InvalidChart(f"charts are nested more than {MAX_NESTING} deep")
