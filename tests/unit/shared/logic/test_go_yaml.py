"""What shared.logic.go_yaml adds to Go's rules: documents, lines, bounds; and that writing can be read."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.go_spelling import BLANK, plain_json, scalar_text
from shared.logic.go_yaml import Dialect, Limits, YamlError, find_line, read_document, read_documents, write

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    # Beyond that Go writes fewer digits than it takes to tell two integers apart.
    | st.floats(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_reads_back(value: Any) -> None:
    assert read_document(write(value)) == value


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=300))
def test_any_text_survives_beside_a_key(text: str) -> None:
    assert read_document(write({"a": [text], "b": text})) == {"a": [text], "b": text}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(YamlError):
        read_documents(content)


def test_documents_begin_at_their_lines() -> None:
    text = "# a comment\n---\na: 1\n--- # another\n\nb: 2\n---\n# nothing\n---# c\nc: 3\n"
    assert [(document.line, document.value) for document in read_documents(text)] == [
        (3, {"a": 1}),
        (5, {"b": 2}),
        (10, {"c": 3}),
    ]


def test_a_separator_inside_of_a_block_is_text() -> None:
    assert read_document("a: |\n  ---\n  x\n") == {"a": "---\nx\n"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\n---\nb: 2\nc: [\n", 4, "did not find expected"),
        ("a: 1\n--- {b: 2}\n", 2, "invalid document separator"),
        ("a: b\n\n  - c: d: e\n", 3, ""),
        ("a:\n  b: *nowhere\n", 2, "unknown anchor"),
        ("a: &x\n  b: *x\n", 2, "contains itself"),
        ("a: 1\nb: .inf\n", 2, "JSON cannot express"),
        ("a: b\x07\n", 1, "control characters"),
    ],
)
def test_errors_name_the_line(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlError) as refusal:
        read_documents(text)
    assert refusal.value.line == line
    assert message in refusal.value.message


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("x" * 11, Limits(size_bytes=10)),
        ("[" * 11 + "]" * 11, Limits(depth=10)),
        ("a: &a [1, 2, 3]\nb: [*a, *a, *a, *a]\n", Limits(alias_nodes=10)),
        ("a\n---\nb\n---\nc\n", Limits(documents=2)),
    ],
)
def test_bounds(text: str, limits: Limits) -> None:
    with pytest.raises(YamlError):
        read_documents(text, limits=limits)


def test_a_billion_laughs_are_refused_quickly() -> None:
    rows = [f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]" for i in range(9)]
    with pytest.raises(YamlError, match="aliasing"):
        read_document("\n".join(["a: &a [x]", *rows]))


def test_aliases_are_copies() -> None:
    value = read_document("a: &x {b: [1]}\nc: *x\n")
    value["a"]["b"].append(2)
    assert value["c"] == {"b": [1]}


def test_strict_refuses_a_second_key() -> None:
    assert read_document("a: 1\na: 2\n") == {"a": 2}
    with pytest.raises(YamlError, match="already set"):
        read_document("a: 1\na: 2\n", strict=True)


@pytest.mark.parametrize(
    ("text", "value", "spelling"),
    [
        ("on", "on", "on"),
        ("1.10", 1.1, "1.10"),
        ("0x1F", 31, "0x1F"),
        ("2001-12-14", "2001-12-14T00:00:00Z", "2001-12-14"),
        ("~", None, "null"),
        ("'7'", "7", "7"),
    ],
)
def test_kyaml_reads_by_other_rules_and_remembers_the_spelling(text: str, value: Any, spelling: str) -> None:
    found = read_document(f"a: {text}\n", dialect=Dialect.KYAML)["a"]
    assert plain_json(found) == value
    assert scalar_text(found) == spelling


def test_kyaml_tells_a_blank_from_a_null() -> None:
    value = read_document("a:\nb: null\n", dialect=Dialect.KYAML)
    assert value["a"] is BLANK
    assert value["b"] is None


def test_kyaml_lets_explicit_keys_win_over_merged_ones() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {x: 9, <<: *a}\n"
    assert read_document(text, dialect=Dialect.KYAML)["b"] == {"x": 9, "y": 2}
    assert read_document(text)["b"] == {"x": 1, "true": 2}


TEXT = "kind: A\n---\nkind: B\nspec:\n  list:\n  - name: x\n  - name: y\n    image: z\n"


@pytest.mark.parametrize(
    ("path", "line"),
    [((), 3), (("spec",), 5), (("spec", "list", 1, "image"), 8), (("spec", "list", 7), 6), (("nope",), 3)],
)
def test_find_line(path: tuple[str | int, ...], line: int) -> None:
    assert find_line(TEXT, path, first_line=3) == line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a10": 1, "a2": 1, "A": 1}, "A: 1\na2: 1\na10: 1\nb: 1\n"),
        ({"a": [[1, 2], {"b": []}]}, "a:\n- - 1\n  - 2\n- b: []\n"),
        ({"k": "word " * 20 + "end"}, "k: " + "word " * 15 + "word\n  word word word word end\n"),
        ({"k" * 129: {"a": 1}}, f"? {'k' * 129}\n: a: 1\n"),
        ({"k": "yes"}, 'k: "yes"\n'),
        ({"k": "a: b"}, "k: 'a: b'\n"),
        ({"k": "x\n\n"}, "k: |+\n  x\n\n"),
        ({"k": 1e20}, "k: 1e+20\n"),
        ({"k": 1234567.5}, "k: 1.2345675e+06\n"),
    ],
)
def test_written_as_go_writes_it(value: Any, text: str) -> None:
    assert write(value) == text
