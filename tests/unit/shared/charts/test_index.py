"""Indexes are read as streams, stored with one version per line, and found in again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.charts.index import rewrite_index
from shared.charts.index_items import IndexInvalid
from shared.charts.index_store import is_stored_form, versions_of
from shared.logic.go_yaml import write

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
VERSIONS = st.tuples(*[st.integers(0, 30)] * 3).map(lambda parts: ".".join(map(str, parts)))


def rewritten(raw: bytes, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_bytes(raw)
    with source.open("rb") as reading, out.open("wb") as writing:
        rewrite_index(reading, writing)
    return out, json.loads(out.read_bytes())


def index(*versions: dict[str, Any], chart: str = "app") -> dict[str, Any]:
    named = [{"name": chart, **version} for version in versions]
    return {"apiVersion": "v1", "entries": {chart: named}}


@pytest.mark.parametrize("spell", [yaml.safe_dump, json.dumps], ids=["yaml", "json"])
def test_versions_from_the_highest_down(spell: Any, tmp_path: Path) -> None:
    document = index({"version": "1.0.0", "urls": ["a"]}, {"version": "2.0.0-rc.1"}, {"version": "v1.10"})
    out, stored = rewritten(spell(document).encode(), tmp_path)
    assert [each["version"] for each in stored["entries"]["app"]] == ["2.0.0-rc.1", "v1.10", "1.0.0"]
    assert [each["version"] for each in versions_of(out, "app")] == ["2.0.0-rc.1", "v1.10", "1.0.0"]
    assert list(versions_of(out, "ap")) == []
    assert stored["apiVersion"] == "v1"
    assert stored["entries"]["app"][2] == {
        "name": "app",
        "version": "1.0.0",
        "urls": ["a"],
        "apiVersion": "v1",
    }


@given(
    charts=st.dictionaries(
        TEXT.filter(bool), st.lists(st.tuples(VERSIONS, VALUES), max_size=4), min_size=1, max_size=4
    )
)
def test_both_notations_are_read_alike(charts: dict[str, Any], tmp_path_factory: Any) -> None:
    tmp_path = tmp_path_factory.mktemp("index")
    entries = {
        chart: [{"name": "app", "version": version, "extra": extra} for version, extra in versions]
        for chart, versions in charts.items()
    }
    document = {"apiVersion": "v1", "entries": entries, "generated": "2026-01-01T00:00:00Z"}
    as_json, stored = rewritten(json.dumps(document).encode(), tmp_path)
    held = as_json.read_bytes()
    as_yaml, _ = rewritten(write(document, sort_keys=False).encode(), tmp_path)
    assert as_yaml.read_bytes() == held
    assert stored["entries"].keys() == charts.keys()
    for chart, versions in entries.items():
        found = list(versions_of(as_yaml, chart))
        assert sorted(each["version"] for each in found) == sorted(each["version"] for each in versions)
        assert found == stored["entries"][chart]


def test_versions_that_are_no_charts_are_left_out(tmp_path: Path) -> None:
    document = index(
        {"version": "1.0.0"},
        {"version": "newest"},
        {"version": "1.0.1", "name": ".."},
        {"version": "1.0.2", "name": "a/b"},
        {"version": "1.0.3", "type": "plugin"},
        {"version": "1.0.4", "dependencies": [None]},
        {"version": "1.0.5", "dependencies": [{"name": "x"}, {"name": "x"}]},
        {},
    )
    _, stored = rewritten(yaml.safe_dump(document).encode(), tmp_path)
    assert [each["version"] for each in stored["entries"]["app"]] == ["1.0.5", "1.0.0"]


@pytest.mark.parametrize(
    "text",
    ["entries:\n", "entries: null\n", "", "entries:\n  app: null\n", "entries:\n  app:\n  - null\n"],
    ids=["blank", "null", "absent", "no versions", "null version"],
)
def test_nothing_is_in_it(text: str, tmp_path: Path) -> None:
    _, stored = rewritten(f"apiVersion: v1\n{text}".encode(), tmp_path)
    assert not any(stored["entries"].values())


BOMB = "apiVersion: v1\na: &a [x, x]\nentries:\n  app:\n  - {name: app, version: 1.0.0, k: *a}\n"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"nonsense", "a mapping is expected"),
        (b"<!DOCTYPE html><html>", "a mapping is expected"),
        (b"entries: {}\n", "no API version"),
        (b'{"entries": {}}', "no API version"),
        (BOMB.encode(), "aliases are not allowed"),
        (b"apiVersion: v1\napiVersion: v1\n", "already set"),
        (b'{"apiVersion": "v1", "apiVersion": "v1"}', "already set"),
        (b"apiVersion: v1\nentries:\n  a: []\n  a: []\n", "already set"),
        (b"apiVersion: v1\nentries:\n  a:\n  - {name: a, name: b}\n", "already set"),
        (b"apiVersion: v1\nentries: [1]\n", "a mapping is expected"),
        (b"apiVersion: v1\nentries:\n  a: text\n", "are no list"),
        (b"apiVersion: v1\nentries:\n  a: [1]\n", "is no mapping"),
        (b'{"apiVersion": "v1", "entries": {"a": [1]}}', "is no object"),
        (b'{"apiVersion": "v1", "entries": {"a": "x"}}', "'[' is expected"),
        (b'{"apiVersion": "v1"} x', "behind the index"),
        (b'{"apiVersion": "v1", "entries": {"a": [{"n": "' + b'\\"' * 10_000, "ends too early"),
        (b'{"apiVersion": "v1", "entries": ' + b"[" * 100_000, "'{' is expected"),
        (b'{"apiVersion": "v1", "x": ' + b"[" * 100_000, "ends too early"),
        (b'{"apiVersion": "v1", "entries": {"a": [' + b"[" * 5_000 + b"]" * 5_000 + b"]}}", "byte"),
        (
            b"apiVersion: v1\nentries:\n  a:\n  - k: " + b"[" * 100 + b"]" * 100 + b"\n",
            "nested more than",
        ),
        (b"apiVersion: v1\nentries:\n  a:\n  - {version: .inf}\n", "JSON cannot express"),
        (b"apiVersion: v1\nentries:\n\t- x\n", "line"),
        (b"apiVersion: v1\nentries:\n  \xff\xfe: []\n", "invalid"),
    ],
    ids=range(24),
)
def test_what_is_no_index(raw: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(IndexInvalid) as caught:
        rewritten(raw, tmp_path)
    assert words in str(caught.value)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda raw: b"{" + raw))
def test_anything_else_is_refused_in_words(raw: bytes) -> None:
    import tempfile

    with tempfile.TemporaryFile() as source:
        source.write(raw)
        source.seek(0)
        try:
            rewrite_index(source, io.BytesIO())
        except IndexInvalid:
            return
    assert b"apiVersion" in raw


def test_the_index_of_another_controller_is_told_apart(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text('{\n  "apiVersion": "v1",\n  "entries": {}\n}')
    assert not is_stored_form(other)
    assert not is_stored_form(tmp_path / "gone")
    with pytest.raises(IndexInvalid):
        list(versions_of(other, "app"))


def test_a_chart_is_not_mistaken_for_another(tmp_path: Path) -> None:
    document = {
        "apiVersion": "v1",
        "entries": {
            'a":[': [{"name": "x", "version": "1.0.0", "description": '\n"b":['}],
            "b": [{"name": "b", "version": "2.0.0"}],
        },
    }
    out, _ = rewritten(json.dumps(document).encode(), tmp_path)
    assert [each["version"] for each in versions_of(out, "b")] == ["2.0.0"]
    assert [each["version"] for each in versions_of(out, 'a":[')] == ["1.0.0"]
