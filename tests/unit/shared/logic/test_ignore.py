import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.ignore import (
    MAX_PATTERN_LENGTH,
    MAX_PATTERNS,
    InvalidIgnoreRules,
    Rules,
    compose,
    parse_patterns,
)


def ignored(patterns: str, path: str) -> bool:
    """Paths that end in a slash are directories."""
    return Rules(parse_patterns(patterns)).ignores(
        tuple(path.strip("/").split("/")), is_dir=path.endswith("/")
    )


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        pytest.param("a.txt", "x/y/a.txt", True, id="a bare name matches at any depth"),
        pytest.param("docs", "docs/deep/file", True, id="a directory's name covers what is below"),
        pytest.param("/docs", "x/docs/file", False, id="a leading slash anchors"),
        pytest.param("a/b", "x/a/b", False, id="an inner slash anchors"),
        pytest.param("a/b", "a/b/c", True, id="an anchored match covers what is below"),
        pytest.param("docs/", "docs", False, id="a trailing slash spares a file"),
        pytest.param("docs/", "docs/", True, id="a trailing slash takes a directory"),
        pytest.param("docs/", "x/docs/file", True, id="a trailing slash takes a directory's content"),
        pytest.param("*.yaml", "x/y.yaml", True, id="a star within a name"),
        pytest.param("a/*.yaml", "a/b/c.yaml", False, id="a star does not cross a slash"),
        pytest.param("a/**/c", "a/c", True, id="two stars stand for nothing"),
        pytest.param("a/**/c", "a/x/y/c", True, id="two stars stand for many"),
        pytest.param("a/**/c/d", "a/c/x/c/d", True, id="two stars try again after a false start"),
        pytest.param("**/c", "c", True, id="leading stars stand for nothing"),
        pytest.param("a/**", "a/b/c", True, id="trailing stars take everything below"),
        pytest.param("a/x**/c", "a/xy/c", False, id="stars beside text in a part never match"),
        pytest.param("# no\n\n  \nfile", "# no", False, id="comments and blank lines are dropped"),
        pytest.param("file   ", "file", True, id="trailing spaces are trimmed"),
        pytest.param("file\\ ", "file ", True, id="an escaped trailing space stays"),
        pytest.param("f[a-c]?", "fbz", True, id="classes and question marks"),
        pytest.param("f[^a-c]", "fb", False, id="a negated class"),
        pytest.param("f[", "f[", False, id="a malformed class matches nothing"),
        pytest.param("*\n!keep", "keep", False, id="a later pattern wins"),
        pytest.param("!keep\n*", "keep", True, id="a later exclusion wins"),
        pytest.param("/*\n!/deploy", "deploy/app.yaml", False, id="a directory is rescued with its content"),
        pytest.param("/*\n!/deploy", "src/app.py", True, id="what is not rescued stays out"),
        pytest.param("/a\n!/a/b/keep", "a/b/keep", False, id="a file is rescued below an excluded directory"),
        pytest.param("/a\n!/a/b/keep", "a/b/other", True, id="its siblings are not"),
    ],
)
def test_one_ignore_file(patterns: str, path: str, expected: bool) -> None:
    assert ignored(patterns, path) is expected


def test_defaults_apply_without_user_patterns() -> None:
    rules = compose([((), "# only a comment\n")], "")

    assert rules.ignores(("logo.png",), is_dir=False)
    assert rules.ignores((".github", "workflows", "ci.yml"), is_dir=False)
    assert rules.ignores(("a", ".sops.yaml"), is_dir=False)


def test_one_user_pattern_leaves_only_the_vcs_defaults() -> None:
    rules = compose([], "tests/")

    assert not rules.ignores(("logo.png",), is_dir=False)
    assert rules.ignores((".gitmodules",), is_dir=False)


def test_nested_files_are_scoped_and_spec_ignore_comes_last() -> None:
    rules = compose([((), "*.md"), (("sub",), "!keep.md\n/x")], "!/top.md")

    assert rules.ignores(("other", "keep.md"), is_dir=False)
    assert not rules.ignores(("sub", "deep", "keep.md"), is_dir=False)
    assert rules.ignores(("sub", "x"), is_dir=False)
    assert not rules.ignores(("x",), is_dir=False)
    assert not rules.ignores(("top.md",), is_dir=False)


def test_a_hostile_pattern_is_matched_in_linear_time() -> None:
    rules = Rules(parse_patterns("/" + "*a" * 1000 + "b\n" + "**/x/" * 500 + "y"))
    started = time.perf_counter()

    assert not rules.ignores(("a" * 255,), is_dir=False)
    assert not rules.ignores(("x",) * 500, is_dir=False)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "text", ["a\n" * (MAX_PATTERNS + 1), "a" * (MAX_PATTERN_LENGTH + 1)], ids=["many", "long"]
)
def test_oversized_rules_are_refused(text: str) -> None:
    with pytest.raises(InvalidIgnoreRules, match="at most"):
        parse_patterns(text)


@given(
    st.text(alphabet="ab*?[]^-\\/! .", max_size=30),
    st.lists(st.text("ab.", min_size=1), min_size=1, max_size=5),
)
def test_any_text_is_a_rule_set(patterns: str, path: list[str]) -> None:
    rules = Rules(parse_patterns(patterns))

    assert rules.ignores(tuple(path), is_dir=False) in (True, False)


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4))
def test_a_path_anchored_as_pattern_matches_itself_and_its_children(path: list[str]) -> None:
    rules = Rules(parse_patterns("/" + "/".join(path)))

    assert rules.ignores(tuple(path), is_dir=False)
    assert rules.ignores((*path, "child"), is_dir=False)
