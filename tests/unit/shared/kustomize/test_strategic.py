"""Strategic merges: kustomize's rules case by case, and laws that hold for any object."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kustomize.errors import PatchFailed
from shared.kustomize.merge.schema import BuiltInSchema, OpenApiSchema
from shared.kustomize.merge.strategic import merge
from shared.kustomize.resource import copied
from shared.logic.go_spelling import BLANK

POD = BuiltInSchema().of("v1", "Pod")
FINALIZERS = {"metadata": {"finalizers": ["a", "b"]}}


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(items)}}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "a scalar is replaced": ({"a": 1}, {"a": 2}, {"a": 2}),
    "null removes": ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    "null of nothing adds nothing": ({}, {"a": None, "b": {"c": None}}, {"b": {}}),
    "mappings merge": ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
    "unknown lists are replaced": ({"a": [1]}, {"a": [2]}, {"a": [2]}),
    "a blank field goes, a written null stays": ({"a": BLANK, "b": None}, {}, {"b": None}),
    "$patch: delete": ({"a": {"b": 1}, "c": 2}, {"a": {"$patch": "delete"}}, {"c": 2}),
    "$patch: replace": ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
    "items of the patch come first": (
        containers({"name": "a"}, {"name": "b"}),
        containers({"name": "c"}, {"name": "b", "image": "x"}),
        containers({"name": "c"}, {"name": "b", "image": "x"}, {"name": "a"}),
    ),
    "an item is deleted": (
        containers({"name": "a"}, {"name": "b"}),
        containers({"name": "a", "$patch": "delete"}),
        containers({"name": "b"}),
    ),
    "a list is replaced": (
        containers({"name": "a"}),
        containers({"$patch": "replace"}, {"name": "b"}),
        containers({"name": "b"}),
    ),
    "ports by number and protocol": (
        containers({"name": "a", "ports": [{"containerPort": 1, "protocol": "TCP"}]}),
        containers({"name": "a", "ports": [{"containerPort": 1, "protocol": "UDP"}]}),
        containers(
            {
                "name": "a",
                "ports": [{"containerPort": 1, "protocol": "UDP"}, {"containerPort": 1, "protocol": "TCP"}],
            }
        ),
    ),
    "scalars are united": (
        copied(FINALIZERS),
        {"metadata": {"finalizers": ["c", "b"]}},
        {"metadata": {"finalizers": ["c", "b", "a"]}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_merge(name: str) -> None:
    target, patch, result = CASES[name]
    assert merge(copied(target), patch, POD) == result


def test_a_patch_may_delete_the_object() -> None:
    assert merge({"a": 1}, {"$patch": "delete"}, None) == {}


@pytest.mark.parametrize(
    ("target", "patch"),
    [
        ({"a": [1]}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": "x"}),
        ({"a": 1}, {"a": [1]}),
        ({}, {"$patch": "x"}),
    ],
)
def test_what_does_not_fit_is_refused(target: dict[str, Any], patch: dict[str, Any]) -> None:
    with pytest.raises(PatchFailed):
        merge(target, patch, None)


def test_a_schema_of_ones_own_gives_custom_kinds_merge_keys() -> None:
    items = {
        "type": "array",
        "items": {"type": "object"},
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": "id",
    }
    kind = [{"group": "x.io", "version": "v1", "kind": "A"}]
    definition = {"properties": {"parts": items}, "x-kubernetes-group-version-kind": kind}
    schema = OpenApiSchema({"definitions": {"A": definition}}, "schema.json").of("x.io/v1", "A")
    result = merge({"parts": [{"id": "1", "a": 1}]}, {"parts": [{"id": "1", "b": 2}]}, schema)
    assert result == {"parts": [{"id": "1", "a": 1, "b": 2}]}


KEYS = st.text("abcd", min_size=1, max_size=2)
VALUES = st.recursive(
    st.integers(0, 3) | st.text("xy", max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(OBJECTS)
def test_merging_nothing_changes_nothing(obj: dict[str, Any]) -> None:
    assert merge(copied(obj), {}, None) == obj


@given(OBJECTS)
def test_merging_with_itself_changes_nothing(obj: dict[str, Any]) -> None:
    assert merge(copied(obj), obj, None) == obj


@given(OBJECTS, OBJECTS)
def test_merging_twice_is_merging_once(obj: dict[str, Any], patch: dict[str, Any]) -> None:
    try:
        once = merge(copied(obj), patch, None)
    except PatchFailed:
        return
    assert merge(copied(once), patch, None) == once


@given(OBJECTS, OBJECTS)
def test_the_patch_is_left_as_it_was(obj: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copied(patch)
    try:
        result = merge(copied(obj), patch, None)
    except PatchFailed:
        return
    result["changed"] = True
    assert patch == before


NAMES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


@given(NAMES, NAMES)
def test_merged_items_are_the_union_in_order(mine: list[str], theirs: list[str]) -> None:
    result = merge(
        containers(*({"name": name} for name in mine)), containers(*({"name": name} for name in theirs)), POD
    )
    names = [item["name"] for item in result["spec"]["containers"]]
    assert names == theirs + [name for name in mine if name not in theirs]
