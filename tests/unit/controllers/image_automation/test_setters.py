"""Edits of YAML text: exactly the marked values, and no byte beside them."""

from __future__ import annotations

import re
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.image_automation.markers import InvalidImage, Setters, parse_marker
from controllers.image_automation.setters import edit
from controllers.image_automation.yaml_scan import ObjectId, UnreadableYaml
from shared.model.image import ImageRef

DIGEST = "sha256:" + "ab" * 32
SETTERS = Setters.of(
    "fs", [("app", ImageRef("ghcr.io/o/app", "1.20", DIGEST)), ("web", ImageRef("web", "v2"))]
)
FULL = f"ghcr.io/o/app:1.20@{DIGEST}"


def mark(marker: str) -> str:
    return f'# {{"$imagepolicy": "fs:{marker}"}}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(f"image: a:1 {mark('app')}", f"image: {FULL} {mark('app')}", id="image with digest"),
        pytest.param(f"image: a:1 {mark('web')}", f"image: web:v2 {mark('web')}", id="image"),
        pytest.param(f"t: v1 {mark('web:tag')}", f"t: v2 {mark('web:tag')}", id="tag"),
        pytest.param(f"n: x {mark('app:name')}", f"n: ghcr.io/o/app {mark('app:name')}", id="name"),
        pytest.param(f"d: '' {mark('app:digest')}", f"d: '{DIGEST}' {mark('app:digest')}", id="digest"),
        pytest.param(f"d: x {mark('web:digest')}", f'd: "" {mark("web:digest")}', id="no digest empties"),
        pytest.param(
            f'"t": "1.19"   {mark("app:tag")}', f'"t": "1.20"   {mark("app:tag")}', id="double quotes"
        ),
        pytest.param(f"t: '1.19' {mark('app:tag')}", f"t: '1.20' {mark('app:tag')}", id="single quotes"),
        pytest.param(f"t: v1\t{mark('app:tag')}", f't: "1.20"\t{mark("app:tag")}', id="a float gets quotes"),
        pytest.param(f"t: 1.19 {mark('web:tag')}", f"t: v2 {mark('web:tag')}", id="it was a float"),
        pytest.param(f"t: &x v1 {mark('web:tag')}", f"t: &x v2 {mark('web:tag')}", id="an anchor stays"),
        pytest.param(f"t: !!int 1 {mark('web:tag')}", f"t: v2 {mark('web:tag')}", id="a wrong tag goes"),
        pytest.param(
            f"t: &x !!int 1 {mark('web:tag')}", f"t: &x v2 {mark('web:tag')}", id="the anchor alone"
        ),
        pytest.param(
            f"t: !!str 1 {mark('web:tag')}", f"t: !!str v2 {mark('web:tag')}", id="a right tag stays"
        ),
        pytest.param(
            f"l:\n- a:1 {mark('web')}\n- b:1", f"l:\n- web:v2 {mark('web')}\n- b:1", id="item of a list"
        ),
        pytest.param(
            f"l:\n  {mark('web')}\n  - a:1\n  - b:1",
            f"l:\n  {mark('web')}\n  - web:v2\n  - b:1",
            id="line above",
        ),
        pytest.param(f"l: [a, {mark('web')}\n b]", f"l: [web:v2, {mark('web')}\n b]", id="item in flow"),
        pytest.param(
            f"m: {{i: 'a:1', {mark('web')}\n n: x}}",
            f"m: {{i: 'web:v2', {mark('web')}\n n: x}}",
            id="value in flow",
        ),
        pytest.param(f"t: a\n  b {mark('web')}\nu: x", f"t: web:v2 {mark('web')}\nu: x", id="two lines"),
        pytest.param(f"t: | {mark('web')}\n  a\n  b\nu: x", f"t: web:v2 {mark('web')}\nu: x", id="a block"),
        pytest.param(
            f"m:\n  t: >- {mark('web')}\n    a\n\n    b\n\n\n  u: x\n",
            f"m:\n  t: web:v2 {mark('web')}\n\n\n  u: x\n",
            id="a block and empty lines",
        ),
        pytest.param(f"t: | {mark('web')}", f"t: web:v2 {mark('web')}", id="an empty block at the end"),
        pytest.param(
            f"l:\n- | {mark('web')}\n  a\n- b", f"l:\n- web:v2 {mark('web')}\n- b", id="a block in a list"
        ),
        pytest.param(f"? k\n: v {mark('web')}", f"? k\n: web:v2 {mark('web')}", id="explicit key"),
        pytest.param(
            'i: a # {"$ref":"#/definitions/io.k8s.cli.setters.fs:web"}',
            'i: web:v2 # {"$ref":"#/definitions/io.k8s.cli.setters.fs:web"}',
            id="the marker of before",
        ),
        pytest.param(f"é: ü {mark('web')}", f"é: web:v2 {mark('web')}", id="beyond ASCII"),
        pytest.param(f"😀: 😀 {mark('web')}", f"😀: web:v2 {mark('web')}", id="beyond the first plane"),
        pytest.param(
            f"a: 1\n---\n# only this\n---\nb: x {mark('web')}\n...\n---\nc: 1\n",
            f"a: 1\n---\n# only this\n---\nb: web:v2 {mark('web')}\n...\n---\nc: 1\n",
            id="several documents",
        ),
        pytest.param(
            f"%YAML 1.1\n---\na: x {mark('web')}", f"%YAML 1.1\n---\na: web:v2 {mark('web')}", id="directive"
        ),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["", "BOM"])
def test_edits(before: str, after: str, newline: str, bom: str) -> None:
    before, after = (bom + text.replace("\n", newline) for text in (before, after))

    edited = edit(before, SETTERS)

    assert edited.text == after
    assert len(edited.changes) == 1
    assert edit(edited.text, SETTERS).changes == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('i: a # {"$imagepolicy": "other:app"}', id="another namespace"),
        pytest.param('i: a # {"$imagepolicy": "fs:gone"}', id="an unknown policy"),
        pytest.param('i: a # {"$imagepolicy": "fs:app:size"}', id="an unknown part"),
        pytest.param('i: a # {"$imagepolicy": "app"}', id="no namespace"),
        pytest.param('i: a # see {"$imagepolicy": "fs:app"}', id="more words"),
        pytest.param('i: a # {"$imagepolicy": "fs:app"} x', id="words behind"),
        pytest.param('i: a # {"$imagepolicy": ["fs:app"]}', id="not text"),
        pytest.param('i: a # {"$imagepolicy": "fs:app", "n": 1}', id="not only text"),
        pytest.param('i: a # ["fs:app"]', id="no object"),
        pytest.param(f"i: web:v2 {mark('web')}", id="nothing new"),
        pytest.param(f"i: {mark('web')}", id="no value"),
        pytest.param(f"i: {mark('web')}\n  a: 1", id="a mapping"),
        pytest.param(f"i: {mark('web')}\n- a", id="a list"),
        pytest.param(f"i: {{a: b}} {mark('web')}", id="a mapping in flow"),
        pytest.param(f"a: &x 1\ni: *x {mark('web')}", id="an alias"),
        pytest.param(f"{mark('web')}\ni: a", id="above a key"),
        pytest.param(f"l:\n# more\n{mark('web')}\n- a", id="two lines above"),
        pytest.param(f"l:\n{mark('web')}\n\n- a", id="an empty line between"),
        pytest.param(f"l:\n{mark('web')}\n- a: 1", id="above a mapping"),
        pytest.param("# nothing here", id="comments alone"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_stays(text: str) -> None:
    edited = edit(text, SETTERS)

    assert (edited.text, edited.changes) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [", id="broken off"),
        pytest.param("a: 1\na: 2", id="the same key twice"),
        pytest.param("a:\n\t- b", id="tabs"),
        pytest.param("{{ if .Values.x }}\na: 1\n{{ end }}", id="a template"),
        pytest.param("- a", id="a list"),
        pytest.param("text", id="a scalar"),
        pytest.param("a: 1\n---\n- b", id="a list in the second document"),
        pytest.param("a: " + "[" * 300 + "]" * 300, id="depth"),
        pytest.param("a: *gone\nb: &x [*x", id="an alias to nothing"),
        pytest.param("a: \x01", id="control characters"),
    ],
)
def test_what_is_no_manifest(text: str) -> None:
    with pytest.raises(UnreadableYaml):
        edit(f"{text}\n", SETTERS)


def test_a_change_tells_its_object() -> None:
    text = (
        "kind: Deployment\nmetadata:\n  annotations: {name: no}\n  name: web\n  namespace: apps\n"
        f"spec:\n  kind: no\n  image: web:v1 {mark('web')}\napiVersion: apps/v1\n---\ntag: v1 {mark('web:tag')}\n"
    )

    first, second = edit(text, SETTERS).changes

    assert first.object == ObjectId("apps/v1", "Deployment", "web", "apps")
    assert (first.old, first.new, first.setter) == ("web:v1", "web:v2", "fs:web")
    assert (second.object, second.setter) == (ObjectId(), "fs:web:tag")


TAGS = [
    "1.20",
    "0123",
    "1e10",
    "on",
    "y",
    "null",
    "0x1f",
    "true",
    "2024-06-27",
    "1_000",
    "v1",
    "1.2.3",
    "08",
    "_",
    "NaN",
]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("style", ["{}", "'{}'", '"{}"'], ids=["plain", "single", "double"])
def test_a_tag_is_always_text(tag: str, style: str) -> None:
    setters = Setters.of("fs", [("app", ImageRef("a", tag))])

    edited = edit(f"t: {style.format('old')} {mark('app:tag')}", setters)

    assert yaml.safe_load(edited.text) == {"t": tag}


@pytest.mark.parametrize(
    "image",
    [
        ImageRef("", "v1"),
        ImageRef("a b", "v1"),
        ImageRef("a", "v1\nevil: true"),
        ImageRef("a", ""),
        ImageRef("a", "v1", "sha256:x"),
        ImageRef("a: b", "v1"),
        ImageRef("a", "x" * 200),
        ImageRef("x/" * 600, "v1"),
        ImageRef("a #", "v1"),
    ],
    ids=str,
)
def test_images_that_are_none(image: ImageRef) -> None:
    with pytest.raises(InvalidImage, match="encountered invalid image ref"):
        Setters.of("fs", [("app", image)])


def test_names_with_ports_are_images() -> None:
    assert Setters.of("fs", [("a", ImageRef("localhost:5000/o/app_x", "v1"))]).values["fs:a"] == (
        "localhost:5000/o/app_x:v1"
    )


@given(st.text(max_size=200))
def test_any_comment_is_a_marker_or_none(comment: str) -> None:
    found = parse_marker(f"# {comment}")

    assert found is None or isinstance(found, str)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("l: [" + "a, " * 100_000 + "b]", id="one line"),
        pytest.param("l: [" + "a,\n " * 100_000 + "b]", id="many lines"),
        pytest.param("l: [a" + " " * 500_000 + "\n, b]", id="spaces"),
        pytest.param("a: b" + " " * 500_000 + "\nc: d", id="spaces at an end"),
        pytest.param("l:\n" + "# c\n" * 100_000 + "- a", id="comments"),
        pytest.param("l:\n" + "- - - - a\n" * 20_000, id="dashes"),
        pytest.param("a: " + "&x !!str " * 1, id="properties"),
    ],
)
def test_long_texts_take_no_longer_than_they_are_long(text: str) -> None:
    started = time.monotonic()

    edited = edit(f"{text}\nz: a {mark('web')}", SETTERS)

    assert edited.text == f"{text}\nz: web:v2 {mark('web')}"
    assert time.monotonic() - started < 10


WORDS = st.text("ab: #'\"\\-\n\té😀[]{},&*!|>%@`1", max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(WORDS, WORDS | st.lists(WORDS, max_size=3), min_size=1, max_size=4), st.data())
def test_only_what_is_marked_changes(document: dict[str, object], data: st.DataObject) -> None:
    """Whatever the text around it, of whatever style: the values around stay, and the marked one is new."""
    style = data.draw(st.sampled_from([None, "'", '"']))
    text = yaml.dump(
        document,
        default_style=style,
        allow_unicode=True,
        default_flow_style=data.draw(st.sampled_from([False, None])),
    )
    flow = text.startswith("{")
    before = "" if flow else f"before: old {mark('web')}\n"
    after = "" if flow else f"after: 'old' {mark('app:tag')}\n"
    if "before" in document or "after" in document:
        return

    edited = edit(before + text + after, SETTERS)

    assert edited.text == before.replace("old", "web:v2") + text + after.replace("old", "1.20")
    assert len(edited.changes) == (0 if flow else 2)


@settings(max_examples=300, deadline=None)
@given(st.text("a:b- \n#'\"|>&*![]{},?\t\r", max_size=60))
def test_any_text_is_edited_or_refused(text: str) -> None:
    marked = text + f"\nz: old {mark('web')}\n"
    try:
        edited = edit(marked, SETTERS)
    except UnreadableYaml:
        return
    changed = re.sub("old", "web:v2", marked)
    assert edited.text in {marked, changed}
