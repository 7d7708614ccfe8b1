"""The jail of a directory tree: nothing outside of it is read, whatever links say."""

import os
from pathlib import Path

import pytest

from shared.kustomize.errors import FileMissing, LimitExceeded, PathForbidden
from shared.kustomize.filesystem import DirectoryTree, MemoryTree, OverlaidTree


@pytest.fixture
def tree(tmp_path: Path) -> DirectoryTree:
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "file").write_text("content")
    (root / "inside").symlink_to("a/file")
    (root / "dir").symlink_to("a")
    (root / "up").symlink_to("../outside")
    (root / "absolute").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    (root / "a" / "sneaky").symlink_to("../dir/../../outside")
    os.mkfifo(root / "pipe")
    return DirectoryTree(str(root))


@pytest.mark.parametrize("path", ["/a/file", "/inside", "/dir/file", "/a/../a/./file"])
def test_inside(tree: DirectoryTree, path: str) -> None:
    assert tree.read(tree.resolve(path), 100) == b"content"


@pytest.mark.parametrize("path", ["/up", "/absolute", "/a/sneaky", "/loop"])
def test_links_that_leave_are_refused(tree: DirectoryTree, path: str) -> None:
    with pytest.raises(PathForbidden):
        tree.resolve(path)


@pytest.mark.parametrize("path", ["/nope", "/../outside", "/a/file/x", "/a\0b"])
def test_what_is_not_there(tree: DirectoryTree, path: str) -> None:
    with pytest.raises(FileMissing):
        tree.resolve(path)


def test_a_pipe_does_not_hang(tree: DirectoryTree) -> None:
    with pytest.raises(FileMissing, match="regular"):
        tree.read(tree.resolve("/pipe"), 100)


def test_a_file_beyond_the_limit(tree: DirectoryTree) -> None:
    with pytest.raises(LimitExceeded):
        tree.read("/a/file", 6)


def test_files_may_be_laid_over() -> None:
    over = OverlaidTree(MemoryTree({"a/x": "1", "a/y": "2"}), {"a/x": "3", "a/z": "4"})
    assert [over.read(over.resolve(f"/a/{name}"), 9) for name in over.names("/a")] == [b"3", b"2", b"4"]
