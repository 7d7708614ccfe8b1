"""Charts for tests: files in a dict, packed as `helm package` would."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

MODIFIED = 1_700_000_000
FILES = Mapping[str, str | bytes]


def about(name: str = "web", version: str = "1.2.3", more: str = "") -> str:
    """A Chart.yaml."""
    return f"apiVersion: v2\nname: {name}\nversion: {version}\n{more}"


def packed(files: FILES, top: str = "web") -> bytes:
    """The .tgz of one chart."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for name, data in files.items():
            raw = data.encode() if isinstance(data, str) else data
            header = tarfile.TarInfo(f"{top}/{name}")
            header.size, header.mtime = len(raw), MODIFIED
            tar.addfile(header, io.BytesIO(raw))
    return buffer.getvalue()


def written(folder: Path, files: FILES, top: str = "web") -> Path:
    """The chart as a file in the folder."""
    path = folder / f"{top}.tgz"
    path.write_bytes(packed(files, top))
    return path
