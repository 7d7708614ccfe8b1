"""The hostile archives 1-14 of the corpus: each is refused by name, nothing ever lands outside."""

import contextlib
import gzip
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.artifacts import unpack as unpack_module
from shared.artifacts.errors import ArchiveRefused, ArchiveTooLarge, ArtifactError
from shared.artifacts.tar_stream import Limits
from shared.artifacts.unpack import Links, Unpacked, unpack, unpack_now


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tgz(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    return gzip.compress(tar_of(*members, form=form))


@pytest.fixture
def extract(tmp_path: Path) -> Callable[..., Path]:
    def run(raw: bytes, *, limits: Limits | None = None, links: Links = Links.SKIP) -> Path:
        archive, into = tmp_path / "a.tar.gz", tmp_path / "jail" / "into"
        archive.write_bytes(raw)
        into.mkdir(parents=True, exist_ok=True)
        unpack_now(archive, into, limits=limits, links=links)
        return into

    return run


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=kind, linkname=target)


def raw_header(name: bytes, size_field: bytes, kind: bytes = b"0") -> bytes:
    """A header as nobody's library would write it, with a right checksum."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124 : 124 + len(size_field)] = size_field
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


HOSTILE = [
    pytest.param(tgz(member("../../etc/x")), "illegal name", id="3 dot-dot"),
    pytest.param(tgz(member("a/..")), "illegal name", id="3 dot-dot at the end"),
    pytest.param(tgz(member("/etc/x")), "illegal name", id="4 absolute path"),
    pytest.param(tgz(member("a\\b")), "illegal name", id="4 backslash"),
    pytest.param(
        tgz(member("a", b"1"), link("a", "/etc/passwd")), "'a' twice", id="8 file replaced by a link"
    ),
    pytest.param(tgz(link("a", "/tmp"), member("a", b"1")), "'a' twice", id="8 link replaced by a file"),
    pytest.param(tgz(link("h", "../../etc/passwd", tarfile.LNKTYPE)), "hard link", id="6 hard link"),
    pytest.param(tgz(member("d", type=tarfile.CHRTYPE)), "character device", id="7 device"),
    pytest.param(tgz(member("d", type=tarfile.BLKTYPE)), "block device", id="7 block device"),
    pytest.param(tgz(member("p", type=tarfile.FIFOTYPE)), "fifo", id="7 fifo"),
    pytest.param(tgz(member("x" * 1_000_000)), "extended header", id="9 name of 1 MB, pax"),
    pytest.param(
        tgz(member("x" * 1_000_000), form=tarfile.GNU_FORMAT), "extended header", id="9 name of 1 MB, gnu"
    ),
    pytest.param(tgz(member("x" * 300)), "too long", id="9 name too long for any file system"),
    pytest.param(tgz(member("x/" * 1000 + "y")), "deep", id="9 a thousand directories deep"),
    pytest.param(gzip.compress(raw_header(b"s", b"00000000000\0", b"S")), "sparse file", id="9 sparse file"),
    pytest.param(
        gzip.compress(raw_header(b"f", b"\x80" + bytes(4) + b"\xff" * 7)), "unpacks to", id="9 1 TB claimed"
    ),
    pytest.param(gzip.compress(raw_header(b"f", b"\xff" * 12)), "negative number", id="9 negative size"),
    pytest.param(gzip.compress(raw_header(b"f", b"99zz\0")), "malformed number", id="9 size is no number"),
    pytest.param(tgz(member("a", b"1"), member("a", b"2")), "'a' twice", id="10 duplicate file"),
    pytest.param(
        tgz(member("a", b"1"), member("./a", b"2")), "twice", id="10 duplicate under another spelling"
    ),
    pytest.param(
        tgz(member("a", b"1"), member("a/b", b"2")), "both as a file", id="10 file used as a directory"
    ),
    pytest.param(
        tgz(member("a", b"1"), member("a", type=tarfile.DIRTYPE)), "twice", id="10 file becomes directory"
    ),
    pytest.param(tgz(member("a/b", b"1"), member("a", b"2")), "twice", id="10 directory becomes file"),
    pytest.param(tgz(member("a", b"1" * 5000))[:-40], "truncated", id="12 truncated gzip"),
    pytest.param(gzip.compress(tar_of(member("a", b"1" * 5000))[:2000]), "truncated", id="12 truncated tar"),
    pytest.param(tgz(member("a")) + b"garbage", "not valid gzip", id="12 trailing garbage"),
    pytest.param(
        tgz(member("a")) + tgz(member("b")), "behind its end", id="12 a second archive behind the first"
    ),
    pytest.param(b"", "truncated", id="12 empty"),
    pytest.param(tar_of(member("a")), "not valid gzip", id="13 plain tar"),
    pytest.param(b"(\xb5/\xfd" + bytes(100), "not valid gzip", id="13 zstd"),
    pytest.param(gzip.compress(b"not a tar" * 100), "damaged", id="13 gzip of something else"),
]


@pytest.mark.parametrize(("raw", "message"), HOSTILE)
def test_hostile_archives_are_refused(
    extract: Callable[..., Path], tmp_path: Path, raw: bytes, message: str
) -> None:
    with pytest.raises(ArchiveRefused, match=message):
        extract(raw)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.gz", "jail"]
    assert sorted(p.name for p in (tmp_path / "jail").iterdir()) == ["into"]


def test_a_zip_is_refused(extract: Callable[..., Path]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "1")
    with pytest.raises(ArchiveRefused, match="not valid gzip"):
        extract(out.getvalue())


def test_links_are_skipped_and_nothing_goes_through_them(extract: Callable[..., Path]) -> None:
    into = extract(tgz(link("root", "/"), member("f", b"1")))

    assert [p.name for p in into.iterdir()] == ["f"]
    with pytest.raises(ArchiveRefused, match="symbolic link"):
        extract(tgz(link("root", "/")), links=Links.REFUSE)


def test_a_file_below_a_skipped_link_is_a_plain_file(extract: Callable[..., Path]) -> None:
    into = extract(tgz(link("root", "/tmp"), member("root/f", b"1")))

    assert not (into / "root").is_symlink()
    assert (into / "root" / "f").read_bytes() == b"1"


def test_a_bomb_is_stopped_by_its_claim_before_it_is_written(extract: Callable[..., Path]) -> None:
    started = time.perf_counter()
    with pytest.raises(ArchiveTooLarge, match="unpacks to more than 1000000 bytes"):
        extract(tgz(member("bomb", bytes(20_000_000))), limits=Limits(max_bytes=1_000_000))
    assert time.perf_counter() - started < 2


def test_a_bomb_is_stopped_by_its_ratio(extract: Callable[..., Path]) -> None:
    with pytest.raises(ArchiveTooLarge, match="250 to 1"):
        extract(tgz(member("bomb", bytes(50_000_000))))


def test_a_bomb_of_padding_is_stopped(extract: Callable[..., Path]) -> None:
    raw = gzip.compress(tar_of(member("a")) + bytes(30_000_000))
    with pytest.raises(ArchiveTooLarge):
        extract(raw, limits=Limits(max_bytes=1_000_000, max_members=100))


def test_too_many_entries_are_refused(extract: Callable[..., Path]) -> None:
    with pytest.raises(ArchiveTooLarge, match="more than 100 entries"):
        extract(tgz(*[member(f"f{i}") for i in range(101)]), limits=Limits(max_members=100))


def test_far_too_many_entries_are_refused_before_they_are_written(
    extract: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack_module, "_ENTRIES_ON_TRUST", 10)
    raw = tgz(*(member(f"f{i}") for i in range(50)))
    with pytest.raises(ArchiveTooLarge, match="more than 40 entries"):
        extract(raw, limits=Limits(max_members=40))
    assert len(list((tmp_path / "jail" / "into").iterdir())) == 10
    assert len(list(extract(tgz(*(member(f"g{i}") for i in range(30)))).iterdir())) == 40


def test_too_many_gzip_streams_are_refused(extract: Callable[..., Path]) -> None:
    with pytest.raises(ArchiveTooLarge, match="gzip streams"):
        extract(gzip.compress(b"") * 10_001)


def test_modes_are_tamed(extract: Callable[..., Path]) -> None:
    into = extract(
        tgz(
            member("d", type=tarfile.DIRTYPE, mode=0o000),
            member("d/suid", b"1", mode=0o6755),
            member("none", b"1", mode=0o000),
        )
    )

    assert (into / "d").stat().st_mode & 0o7777 == 0o700
    assert (into / "d" / "suid").stat().st_mode & 0o7777 == 0o755
    assert (into / "none").read_bytes() == b"1"


def test_times_are_kept_but_never_in_the_future(extract: Callable[..., Path]) -> None:
    into = extract(tgz(member("old", mtime=1000), member("new", mtime=int(time.time()) + 10**6)))

    assert (into / "old").stat().st_mtime == 1000
    assert (into / "new").stat().st_mtime <= time.time()


def test_concatenated_gzip_streams_are_one_archive(extract: Callable[..., Path]) -> None:
    tar = tar_of(member("a", b"12"))
    into = extract(gzip.compress(tar[:700]) + gzip.compress(tar[700:]))

    assert (into / "a").read_bytes() == b"12"


def test_names_that_are_not_utf8_survive(extract: Callable[..., Path]) -> None:
    into = extract(tgz(member("caf\udce9"), form=tarfile.GNU_FORMAT))

    assert [os.fsencode(path.name) for path in into.iterdir()] == [b"caf\xe9"]


def test_long_names_survive_both_dialects(extract: Callable[..., Path]) -> None:
    names = ["d/" * 60 + "pax", "e/" * 60 + "gnu"]
    into = extract(tgz(member(names[0])))
    extract(tgz(member(names[1]), form=tarfile.GNU_FORMAT))

    assert all((into / name).is_file() for name in names)


async def test_the_awaitable_form_counts_what_came_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tgz(member("x", b"123"), member("y", b"4")))
    (tmp_path / "into").mkdir()

    assert await unpack(tmp_path / "a", tmp_path / "into") == Unpacked(files=2, size=4)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_archive_fails_in_one_way(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    tar = bytearray(tar_of(member("a" * 150, b"12" * 300), member("b", b"3")))
    for _ in range(data.draw(st.integers(1, 6))):
        tar[data.draw(st.integers(0, len(tar) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "a").write_bytes(gzip.compress(bytes(tar)))
    (folder / "into").mkdir()
    with contextlib.suppress(ArtifactError):
        unpack_now(folder / "a", folder / "into")
    assert sorted(p.name for p in folder.iterdir()) == ["a", "into"]
