"""Globs over paths, as Go's doublestar reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.source.generation.doublestar import PathGlob
from controllers.source.generation.paths import CopyRefused


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.md", "a.md", True),
        ("*.md", "x/a.md", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "x/y/a.md", True),
        ("a/**", "a", True),
        ("a/**", "a/b/c", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/x/y/c", True),
        ("a/**/c", "a/x", False),
        ("**", "any/thing", True),
        ("{a,b}/*.{yaml,yml}", "b/x.yml", True),
        ("{a,b}/*.{yaml,yml}", "c/x.yml", False),
        ("{a,{b,c}d}", "cd", True),
        ("a?c", "abc", True),
        ("[a-c]x", "bx", True),
        ("\\*", "*", True),
        ("\\{a", "{a", True),
    ],
)
def test_matching(pattern: str, path: str, fits: bool) -> None:
    assert PathGlob(pattern).matches(tuple(path.split("/"))) is fits


def test_names_without_a_slash_are_excluded_at_any_depth() -> None:
    assert PathGlob("*.md").excludes(("x", "a.md"))
    assert not PathGlob("x/*.md").excludes(("y", "x", "a.md"))


@pytest.mark.parametrize("pattern", ["[a", "{a", "a/[", "{a,b}" * 11, "x" * 5000])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(CopyRefused):
        PathGlob(pattern)


@given(
    st.text(st.sampled_from("ab*?[]{},/\\"), max_size=20),
    st.lists(st.sampled_from("ab"), min_size=1, max_size=30),
)
def test_patterns_fail_in_one_way(pattern: str, path: list[str]) -> None:
    try:
        glob = PathGlob(pattern)
    except CopyRefused:
        return
    assert glob.matches(tuple(path)) in (True, False)
