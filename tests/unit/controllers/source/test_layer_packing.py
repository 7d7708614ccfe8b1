from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from controllers.source.layer_packing import pack_layer


def tar(*members: tuple[str, bytes | str], mode: str = "w:gz") -> bytes:
    """Members as (name, content); a content that is text is where a link leads."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, body in members:
            info = tarfile.TarInfo(name)
            if isinstance(body, str):
                info.type, info.linkname = tarfile.SYMTYPE, body
                archive.addfile(info)
            else:
                info.size = len(body)
                archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def packed(folder: Path, blob: bytes, ignore: str | None = None) -> tuple[dict[str, Any], list[str]]:
    (folder / "blob").write_bytes(blob)
    (folder / "content").mkdir()
    out = folder / "out"
    job = {"blob": str(folder / "blob"), "folder": str(folder / "content"), "out": str(out)}
    result = pack_layer(job | {"algorithm": "sha256", "ignore": ignore})
    if not out.exists():
        return result, []
    with tarfile.open(out) as archive:
        return result, [member.name for member in archive]


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "1")
    return out.getvalue()


@pytest.mark.parametrize(
    ("ignore", "names"),
    [
        (None, [".", "a.yaml", "dir", "dir/b.yaml"]),
        ("", [".", "a.yaml", "dir", "dir/b.yaml"]),
        ("/dir", [".", "a.yaml", "logo.png"]),
    ],
)
def test_what_is_kept(tmp_path: Path, ignore: str | None, names: list[str]) -> None:
    blob = tar(("a.yaml", b"1"), ("dir/b.yaml", b"2"), ("logo.png", b"3"), ("link", "/etc/passwd"))
    result, found = packed(tmp_path, blob, ignore)
    assert result["digest"].startswith("sha256:")
    assert found == names


def test_ignore_files_of_the_layer_count(tmp_path: Path) -> None:
    _, found = packed(tmp_path, tar((".sourceignore", b"*.txt"), ("a.txt", b""), ("b.jpg", b"")))
    assert found == [".", ".sourceignore", "b.jpg"]


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(b"", id="empty"),
        pytest.param(zipped(), id="zip"),
        pytest.param(b"\x28\xb5\x2f\xfd" + bytes(100), id="zstd"),
        pytest.param(tar(("a", b"1"), mode="w"), id="not compressed"),
        pytest.param(gzip.compress(b"hello"), id="gzip of no tar"),
        pytest.param(tar(("a", b"1"))[:-10], id="truncated"),
        pytest.param(tar(("../a", b"1")), id="climbs out"),
        pytest.param(tar(("/a", b"1")), id="absolute"),
        pytest.param(tar(("d", "/tmp"), ("d/x", b"1"), ("d", b"1")), id="file in place of a link"),
        pytest.param(gzip.compress(bytes(200 * 1024**2)), id="bomb"),
    ],
)
def test_hostile_layers_are_refused(tmp_path: Path, blob: bytes) -> None:
    result, names = packed(tmp_path, blob)
    assert result["problem"] == "OCIArtifactLayerOperationFailed"
    assert names == []
