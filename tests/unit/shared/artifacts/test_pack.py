import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.artifacts.pack import Content, Entry, EntryKind, Packed, entries_below, pack
from shared.artifacts.unpack import unpack_now


def file(path: str, content: bytes = b"x", kind: EntryKind = EntryKind.FILE) -> Entry:
    return Entry(tuple(path.split("/")), kind, lambda: Content(len(content), [content]))


def packed(entries: list[Entry]) -> tuple[Packed, bytes]:
    out = io.BytesIO()
    return pack(entries, out), out.getvalue()


def test_headers_carry_nothing_but_names_kinds_and_sizes() -> None:
    entries = [
        file("b/run.sh", b"#!/bin/sh\n", EntryKind.EXECUTABLE),
        Entry(("b",), EntryKind.DIRECTORY),
        file("a.yaml", b"a: 1\n"),
    ]
    result, raw = packed(entries)
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        members = [(m.name, m.mode, m.size, m.mtime, m.uid, m.gid, m.uname, m.gname, m.isdir()) for m in tar]

    assert members == [
        (".", 0o750, 0, 0, 0, 0, "", "", True),
        ("a.yaml", 0o600, 5, 0, 0, 0, "", "", False),
        ("b", 0o750, 0, 0, 0, 0, "", "", True),
        ("b/run.sh", 0o700, 10, 0, 0, 0, "", "", False),
    ]
    assert raw[3:8] == bytes(5), "gzip carries neither name nor time"
    assert result.size == len(raw)
    assert result.files == 2


def test_directories_are_walked_depth_first_by_bytes() -> None:
    _, raw = packed([file("a/z"), file("a.b"), file("a-b"), file("Ä"), file("Z")])
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        assert tar.getnames() == [".", "Z", "a/z", "a-b", "a.b", "Ä"]


def test_an_entry_that_lies_about_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes announced, 2 read"):
        packed([Entry(("f",), EntryKind.FILE, lambda: Content(3, [b"ab"]))])


def test_a_directory_on_disk_packs_and_unpacks(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "empty").mkdir(parents=True)
    (source / "run").write_text("x")
    (source / "run").chmod(0o755)
    (source / "link").symlink_to("run")
    target.mkdir()
    archive = tmp_path / "a.tar.gz"
    with archive.open("wb") as out:
        pack(entries_below(source), out)
    unpack_now(archive, target)

    assert sorted(p.name for p in target.iterdir()) == ["empty", "run"]
    assert (target / "run").stat().st_mode & 0o777 == 0o700


NAMES = st.text(
    st.characters(exclude_characters="/\0\\", exclude_categories=["Cs"]), min_size=1, max_size=60
).filter(lambda name: name not in (".", ".."))
TREES = st.dictionaries(NAMES, st.binary(max_size=2000), max_size=6)


@given(TREES, st.randoms(use_true_random=False))
def test_the_same_tree_gives_the_same_bytes(tree: dict[str, bytes], shuffle: random.Random) -> None:
    entries = [
        Entry(("d" * 120, name), EntryKind.FILE, lambda c=c: Content(len(c), [c])) for name, c in tree.items()
    ]
    first = packed(entries)
    shuffle.shuffle(entries)

    assert packed(entries) == first
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first[1]))) as tar:
        assert {m.name.rpartition("/")[2]: tar.extractfile(m).read() for m in tar if m.isfile()} == tree
