"""JSON patch and JSON merge patch, with the server's deviations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.objects.errors import BadRequest, TooLarge, Unprocessable
from localcluster.objects.patch import json_patch, merge_patch

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.text("xyz", max_size=1), _JSON, max_size=3)

DOCUMENT = {"data": {"one": "1", "two": "2"}, "list": ["a", "b"], "a/b": {"~": 1}}
CASES = {
    "add a key": (
        [{"op": "add", "path": "/data/three", "value": "3"}],
        "data",
        {"one": "1", "two": "2", "three": "3"},
    ),
    "add replaces": ([{"op": "add", "path": "/data/one", "value": "x"}], "data", {"one": "x", "two": "2"}),
    "add to the end": ([{"op": "add", "path": "/list/-", "value": "c"}], "list", ["a", "b", "c"]),
    "insert": ([{"op": "add", "path": "/list/1", "value": "x"}], "list", ["a", "x", "b"]),
    "insert counted from the end": (
        [{"op": "replace", "path": "/list/-1", "value": "x"}],
        "list",
        ["a", "x"],
    ),
    "remove": ([{"op": "remove", "path": "/data/one"}], "data", {"two": "2"}),
    "replace adds a missing key": (
        [{"op": "replace", "path": "/data/x", "value": 1}],
        "data",
        {**DOCUMENT["data"], "x": 1},
    ),
    "move": ([{"op": "move", "from": "/data/one", "path": "/data/uno"}], "data", {"two": "2", "uno": "1"}),
    "copy": ([{"op": "copy", "from": "/list/0", "path": "/data/one"}], "data", {"one": "a", "two": "2"}),
    "escaped names": ([{"op": "remove", "path": "/a~1b/~0"}], "a/b", {}),
    "test for what is missing": ([{"op": "test", "path": "/data/x", "value": None}], "list", ["a", "b"]),
}


@pytest.mark.parametrize(("operations", "key", "wanted"), CASES.values(), ids=CASES.keys())
def test_a_json_patch(operations, key, wanted):
    assert json_patch(DOCUMENT, operations)[key] == wanted


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "shuffle", "path": "/data"},
        {"op": "remove", "path": "/data/x"},
        {"op": "remove", "path": "/list/2"},
        {"op": "add", "path": "/data/x/y", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "replace", "path": "/list/9", "value": 1},
        {"op": "test", "path": "/data/one", "value": 1},
        {"op": "move", "from": "/data/x", "path": "/data/y"},
        {"op": "copy", "from": "/data/x", "path": "/data/y"},
        {"op": "add", "path": "data", "value": 1},
        {"op": "add", "value": 1},
        {"op": None, "path": "/data"},
    ],
    ids=str,
)
def test_what_cannot_be_done_is_unprocessable(operation):
    with pytest.raises(Unprocessable):
        json_patch(DOCUMENT, [operation])


@pytest.mark.parametrize("patch", [{}, "text", [1], None])
def test_what_is_no_json_patch_is_a_bad_request(patch):
    with pytest.raises(BadRequest):
        json_patch(DOCUMENT, patch)


def test_a_patch_may_not_ask_for_too_much():
    with pytest.raises(TooLarge):
        json_patch({}, [{"op": "add", "path": "/a", "value": 1}] * 10_001)
    doubling = [{"op": "copy", "from": "/a", "path": f"/{n}"} for n in range(40)]
    with pytest.raises(TooLarge):
        json_patch({"a": "x" * 100_000}, doubling)


def test_no_patch_changes_the_document():
    before = {"a": {"b": [1]}}
    json_patch(before, [{"op": "add", "path": "/a/b/-", "value": 2}])
    merge_patch(before, {"a": {"b": None}})
    assert before == {"a": {"b": [1]}}


@given(_OBJECTS, _OBJECTS)
def test_a_merge_patch_applied_twice_is_applied_once(document, patch):
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@given(_OBJECTS, _OBJECTS)
def test_a_merge_patch_follows_the_definition(document, patch):
    def define(target, change):  # RFC 7386, section 2
        if not isinstance(change, dict):
            return change
        target = dict(target) if isinstance(target, dict) else {}
        for name, value in change.items():
            if value is None:
                target.pop(name, None)
            else:
                target[name] = define(target.get(name), value)
        return target

    assert merge_patch(document, patch) == define(document, patch)


@pytest.mark.parametrize("patch", ["text", [], None, 1])
def test_what_is_no_merge_patch_is_a_bad_request(patch):
    with pytest.raises(BadRequest):
        merge_patch({}, patch)
