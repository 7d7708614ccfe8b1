"""Archives of charts, good and hostile (demands 3.3, items 1-14), as a tree of charts."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.charts.errors import InvalidChart
from shared.charts.loading import MAX_FILE_BYTES, MAX_FILES, ChartTree, read_archive, write_archive
from tests.charts import MODIFIED, about, packed


def outline(tree: ChartTree) -> dict[str, list[str]]:
    return {chart.folder: [file.name for file in chart.files] for chart in tree.walk()}


NESTED = {
    "Chart.yaml": about(),
    "templates/a.yaml": "a",
    "charts/one/Chart.yaml": about("one"),
    "charts/one/charts/deep/Chart.yaml": about("deep"),
    "charts/two-1.0.0.tgz": packed(
        {"Chart.yaml": about("two"), "charts/in.tgz": packed({"x": "y"}, "in")}, "two"
    ),
    "charts/two-1.0.0.tgz.prov": "signed",
    "charts/_off/Chart.yaml": "",
    "charts/.off": "",
    "charts/README.md": "",
}


def test_sub_charts_are_found_in_folders_and_archives() -> None:
    assert outline(read_archive(packed(NESTED))) == {
        "": ["Chart.yaml", "templates/a.yaml", "charts/two-1.0.0.tgz.prov", "charts/_off/Chart.yaml",
             "charts/.off", "charts/README.md"],
        "charts/packed-0": ["Chart.yaml"],
        "charts/packed-0/charts/packed-0": ["x"],
        "charts/one": ["Chart.yaml"],
        "charts/one/charts/deep": ["Chart.yaml"],
    }  # fmt: skip


def test_a_written_tree_reads_as_the_same_tree() -> None:
    tree = read_archive(packed(NESTED))
    again = read_archive(write_archive(tree))
    assert sorted(outline(again).items()) == sorted(outline(tree).items())
    assert [file.modified for file in again.files] == [MODIFIED] * len(again.files)


def test_a_copy_is_independent() -> None:
    tree = read_archive(packed(NESTED))
    copy = tree.copy()
    copy.files.clear()
    copy.parts[0].files[0].data = b"other"
    assert tree.find("Chart.yaml") is not None
    assert tree.parts[0].files[0].data != b"other"


def test_the_last_of_two_files_counts_and_a_mark_is_no_content() -> None:
    twice = tarred(lambda tar: (member(tar, "web/a", b"first"), member(tar, "web/a", b"\xef\xbb\xbflast")))
    found = read_archive(twice).find("a")
    assert found is not None
    assert found.data == b"last"


def member(
    tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> None:
    header = tarfile.TarInfo(name)
    header.size, header.type, header.linkname = len(data), kind, link
    tar.addfile(header, io.BytesIO(data))


def tarred(fill: Callable[[tarfile.TarFile], object]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        fill(tar)
    return buffer.getvalue()


def nested(depth: int) -> bytes:
    inner = packed({"Chart.yaml": about()})
    for _ in range(depth):
        inner = packed({"charts/in.tgz": inner})
    return inner


def _bomb() -> bytes:
    files = {f"f{n}": bytes(MAX_FILE_BYTES) for n in range(25)}
    return packed(files)


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        pytest.param(b"", "not a .tgz", id="nothing"),
        pytest.param(b"junk", "not a .tgz", id="no gzip"),
        pytest.param(gzip.compress(b"junk" * 1000), "not a .tgz", id="no tar"),
        pytest.param(packed({"a": "b" * 9999})[:-40], "not a .tgz", id="cut off"),
        pytest.param(_bomb(), "unpacks to more than 100 MiB", id="a bomb"),
        pytest.param(packed({"charts/x.tgz": _bomb()}), "unpacks to more than 100 MiB", id="a bomb inside"),
        pytest.param(packed({"a": bytes(MAX_FILE_BYTES + 1)}), "larger than 5 MiB", id="a big file"),
        pytest.param(bytes(21 * 2**20), "larger than 20 MiB", id="a big archive"),
        pytest.param(nested(12), "nested more than 10 deep", id="deep archives"),
        pytest.param(packed({"charts/c/" * 12 + "x": ""}), "nested more than 10 deep", id="deep folders"),
        pytest.param(
            packed({str(n): "" for n in range(MAX_FILES + 1)}), "more than 10000 files", id="many files"
        ),
    ],
)
def test_bad_archives(archive: bytes, message: str) -> None:
    with pytest.raises(InvalidChart, match=message):
        read_archive(archive)


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        pytest.param(tarfile.SYMTYPE, "/etc/passwd", id="a symbolic link"),
        pytest.param(tarfile.LNKTYPE, "web/Chart.yaml", id="a hard link"),
        pytest.param(tarfile.FIFOTYPE, "", id="a pipe"),
        pytest.param(tarfile.CHRTYPE, "", id="a device"),
    ],
)
def test_what_is_no_file_is_an_empty_one(kind: bytes, link: str) -> None:
    tree = read_archive(tarred(lambda tar: member(tar, "web/values.yaml", kind=kind, link=link)))
    assert [(file.name, file.data) for file in tree.files] == [("values.yaml", b"")]


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_any_bytes_are_a_chart_or_refused(junk: bytes, at: int, byte: int) -> None:
    good = bytearray(packed({"Chart.yaml": about(), "templates/a": "b"}))
    good[at % len(good)] = byte
    for raw in (junk, bytes(good), gzip.compress(junk)):
        try:
            tree = read_archive(raw)
        except InvalidChart:
            continue
        assert all(".." not in part.folder for part in tree.walk())
