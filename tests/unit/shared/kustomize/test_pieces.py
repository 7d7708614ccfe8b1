"""Small rules: image references, JSON patches, selectors, field paths, hashes, order, variables."""

from typing import Any

import pytest

from shared.kustomize import fieldpath, jsonpatch
from shared.kustomize.errors import BuildError, KustomizationInvalid, PatchFailed
from shared.kustomize.hashing import name_suffix
from shared.kustomize.model import Image, LegacySortOptions, SortOptions
from shared.kustomize.order import in_order
from shared.kustomize.resource import Resource, Source
from shared.kustomize.selectors import anchored, labels_match
from shared.kustomize.transformers.images import renamed, split_reference
from shared.kustomize.variables import expand


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nginx", ("nginx", "", "")),
        ("nginx:1", ("nginx", "1", "")),
        ("reg.io:5000/a/b", ("reg.io:5000/a/b", "", "")),
        ("reg.io:5000/a/b:1@sha256:x", ("reg.io:5000/a/b", "1", "sha256:x")),
        ("a@sha256:x", ("a", "", "sha256:x")),
    ],
)
def test_image_references(reference: str, parts: tuple[str, str, str]) -> None:
    assert split_reference(reference) == parts


@pytest.mark.parametrize(
    ("image", "result"),
    [
        (Image(new_tag="2"), "a:2"),
        (Image(digest="sha256:y"), "a@sha256:y"),
        (Image(new_name="b"), "b:1@sha256:x"),
        (Image(tag_suffix="-z"), "a:1-z"),
    ],
)
def test_a_new_tag_or_digest_replaces_both(image: Image, result: str) -> None:
    assert renamed("a:1@sha256:x", image) == result


DOC = {"a": [1, 2], "b": {"c/d": 3}}


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/a/-", "value": 3}, {**DOC, "a": [1, 2, 3]}),
        ({"op": "add", "path": "/a/0", "value": 0}, {**DOC, "a": [0, 1, 2]}),
        ({"op": "remove", "path": "/a/-1"}, {**DOC, "a": [1]}),
        ({"op": "replace", "path": "/b/c~1d", "value": 4}, {**DOC, "b": {"c/d": 4}}),
        ({"op": "move", "from": "/a", "path": "/z"}, {"b": DOC["b"], "z": [1, 2]}),
        ({"op": "copy", "from": "/a/0", "path": "/b/x"}, {**DOC, "b": {"c/d": 3, "x": 1}}),
        ({"op": "test", "path": "/a/0", "value": 1}, DOC),
        ({"op": "test", "path": "/nope", "value": None}, DOC),
    ],
)
def test_json_patch(operation: dict[str, Any], result: Any) -> None:
    document = {"a": [1, 2], "b": {"c/d": 3}}
    assert jsonpatch.apply(document, jsonpatch.parse_operations([operation], "p", 10)) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/nope"},
        {"op": "add", "path": "/a/9", "value": 1},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "test", "path": "/a/0", "value": True},
        {"op": "add", "path": "", "value": {}},
        {"op": "jump", "path": "/a"},
        {"path": "/a"},
        "text",
    ],
)
def test_json_patch_that_does_not_apply(operation: Any) -> None:
    with pytest.raises(PatchFailed):
        jsonpatch.apply({"a": [1]}, jsonpatch.parse_operations([operation], "p", 10))


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("a=1", True),
        ("a==1,b", True),
        ("a!=1", False),
        ("c!=1", True),
        ("!c", True),
        ("a in (1, 2)", True),
        ("a notin (1,2)", False),
        ("c notin (1)", True),
        ("", True),
    ],
)
def test_label_selectors(selector: str, matches: bool) -> None:
    assert labels_match(selector, {"a": "1", "b": "x"}) is matches


@pytest.mark.parametrize("selector", ["a b", "a in 1", "a=1,,b", "(a)", "a in (1"])
def test_label_selectors_that_are_none(selector: str) -> None:
    with pytest.raises(KustomizationInvalid):
        labels_match(selector, {"a": "1"})


def test_names_of_targets_are_anchored_patterns() -> None:
    assert anchored("we.|api")("web")
    assert not anchored("we")("web")
    assert anchored("")("anything")


def test_field_paths_keep_what_brackets_and_backslashes_hold() -> None:
    assert fieldpath.split(r"a.[b.c=d.e].f\.g.*") == ("a", "[b.c=d.e]", "f.g", "*")


def test_lookup_by_index_and_condition() -> None:
    document = {"l": [{"n": "a", "v": 1}, {"n": "b", "v": 2}]}
    assert fieldpath.lookup(document, "l.[n=b].v") == 2
    assert fieldpath.lookup(document, "l.-.n") == "b"
    assert fieldpath.lookup(document, "l.5.n") is None


def test_the_hash_of_a_config_map() -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}}
    assert name_suffix(obj) == "4h2mbtbbt6"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(A)", 5),
        ("x-$(A)", "x-5"),
        ("$$(A)", "$(A)"),
        ("$(B)", "$(B)"),
        ("$(A", "$(A"),
        ("a$", "a$"),
        ("$x", "$x"),
    ],
)
def test_variables(text: str, result: Any) -> None:
    assert expand(text, {"A": 5}) == result


def kinds(options: SortOptions | None, *names: str) -> list[str]:
    made = [
        Resource({"apiVersion": "v1", "kind": name, "metadata": {"name": "x"}}, Source("")) for name in names
    ]
    return [resource.kind for resource in in_order(made, options)]


def test_order() -> None:
    names = ("Service", "Foo", "ValidatingWebhookConfiguration", "Namespace")
    assert kinds(None, *names) == ["Namespace", "Service", "Foo", "ValidatingWebhookConfiguration"]
    assert kinds(SortOptions("fifo"), *names) == list(names)
    own = SortOptions("legacy", LegacySortOptions(["Foo"], ["Namespace"]))
    assert kinds(own, "Namespace", "Service", "Foo") == ["Foo", "Service", "Namespace"]
    with pytest.raises(BuildError):
        kinds(SortOptions("other"), "Service")
