"""From keys to files: nothing leaves the root, and nothing is a matter of luck."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.source.buckets.errors import TooMuch
from controllers.source.buckets.keys import UnusableKey, choose, path_of, revision_of, rules_of, shown
from controllers.source.buckets.store import Limits, Listed

EVERYTHING = rules_of("", None)


def listed(*keys: str, size: int = 1) -> list[Listed]:
    return [Listed(key, "e", size) for key in keys]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a.yaml", ("a.yaml",)),
        ("a/b", ("a", "b")),
        ("/a", ("a",)),
        ("a//b", ("a", "b")),
        ("./a/./b", ("a", "b")),
        ("../../a", ("a",)),
        ("a/../../../b", ("b",)),
        ("...", ("...",)),
        ("a\\..\\b", ("a\\..\\b",)),
        (" ", (" ",)),
    ],
)
def test_where_a_key_goes(key: str, path: tuple[str, ...]) -> None:
    assert path_of(key) == path


@pytest.mark.parametrize(
    "key", ["", "/", "..", "a/..", "a\0b", "x" * 256, "é" * 128, "/".join("x" * 101), "\ud800", "a" * 5000]
)
def test_keys_that_are_no_files(key: str) -> None:
    with pytest.raises(UnusableKey):
        path_of(key)


@given(st.text(st.sampled_from("ab./\\\0\n é"), max_size=30))
def test_no_key_leaves_the_root(key: str) -> None:
    try:
        path = path_of(key)
    except UnusableKey:
        return
    assert path
    assert not {"", ".", ".."} & set(path)
    assert not any("/" in part or "\0" in part for part in path)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("a", "a/b"), "key 'a' would be a file and, for 'a/b', a directory"),
        (("a/b/c", "a"), "key 'a' would be a file"),
        (("a/b", "a//b"), "keys 'a/b' and 'a//b' would be one file"),
        (("x", "../x"), "would be one file"),
        (("./.sourceignore",), "would be one file"),
    ],
)
def test_two_keys_that_cannot_both_be_files(keys: tuple[str, ...], said: str) -> None:
    with pytest.raises(UnusableKey, match=said):
        choose(listed(*keys), EVERYTHING, Limits())


def test_what_is_no_file_or_ignored_is_left_out() -> None:
    objects = listed("a.yaml", "dir/", ".sourceignore", "", "dir/b.md", "A.yaml", "x/.sourceignore")
    chosen = choose(objects, rules_of("*.md\n", "/x/"), Limits())
    assert list(chosen.objects) == ["a.yaml", "A.yaml"]
    assert chosen.size == 2


def test_there_are_no_rules_by_default() -> None:
    assert list(choose(listed("a.jpg", ".git/config"), EVERYTHING, Limits()).objects) == [
        "a.jpg",
        ".git/config",
    ]


def test_an_ignored_collision_is_none() -> None:
    assert list(choose(listed("a", "a/b"), rules_of("", "/a/b"), Limits()).objects) == ["a"]


def test_too_many_bytes() -> None:
    with pytest.raises(TooMuch, match="larger than 10 bytes together"):
        choose(listed("a", "b", size=6), EVERYTHING, Limits(content=10))


def test_the_revision_is_that_of_flux() -> None:
    expected = hashlib.sha256(b"a.yaml 123\nb/c 456\n").hexdigest()
    assert revision_of({"b/c": "456", "a.yaml": "123"}, "sha256") == f"sha256:{expected}"
    assert revision_of({}, "sha256") == f"sha256:{hashlib.sha256().hexdigest()}"


def test_a_key_in_a_message_is_one_short_line() -> None:
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 10_000)) < 250
