"""Sets of field paths are sets: the laws, over random sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.objects import fieldset
from localcluster.objects.fieldset import BadFieldSet

_ELEMENTS = st.sampled_from(["f:a", "f:b", "f:c", 'k:{"name":"x"}', 'k:{"name":"y"}', 'v:"z"', "i:0"])
_PATHS = st.lists(_ELEMENTS, min_size=1, max_size=4).map(tuple)
_SETS = st.frozensets(_PATHS, max_size=8)


def build(paths):
    """The field set with exactly these members."""
    found = {}
    for path in paths:
        single = {}
        for element in reversed(path):
            single = {element: single}
        found = fieldset.union(found, single)
    return found


def members(fields):
    return frozenset(fieldset.paths(fields))


@given(_SETS)
def test_a_set_holds_what_was_put_in(paths):
    assert members(build(paths)) == paths


@given(_SETS, _SETS)
def test_union_intersection_and_difference_are_those_of_sets(left, right):
    assert members(fieldset.union(build(left), build(right))) == left | right
    assert members(fieldset.intersection(build(left), build(right))) == left & right
    assert members(fieldset.difference(build(left), build(right))) == left - right


@given(_SETS, _SETS)
def test_recursive_difference_takes_all_below_a_member(left, right):
    rest = {path for path in left if not any(path[: len(gone)] == gone for gone in right)}
    assert members(fieldset.recursive_difference(build(left), build(right))) == rest


@given(_SETS, _SETS)
def test_no_operation_changes_its_arguments(left, right):
    one, other = build(left), build(right)
    for operation in (fieldset.union, fieldset.intersection, fieldset.difference):
        operation(one, other)
    assert members(one) == left
    assert members(other) == right


@given(_SETS)
def test_a_set_survives_being_written_and_read(paths):
    assert fieldset.parse(build(paths)) == build(paths)


@given(_SETS)
def test_leaves_have_no_member_below_them(paths):
    leaves = {path for path in paths if not any(other[: len(path)] == path != other for other in paths)}
    assert members(fieldset.leaves(build(paths))) == leaves


def test_reading_brings_list_keys_into_their_one_form():
    read = fieldset.parse({'k:{"b": 1, "a": "x"}': {}})
    assert read == {'k:{"a":"x","b":1}': {}}


@pytest.mark.parametrize(
    "raw",
    [[], {"a": {}}, {"x:a": {}}, {"k:[]": {}}, {"k:{": {}}, {"i:x": {}}, {"f:a": 1}, {"f:a": None}],
    ids=str,
)
def test_what_is_no_set_is_refused(raw):
    with pytest.raises(BadFieldSet):
        fieldset.parse(raw)


def test_paths_are_written_as_messages_write_them():
    path = ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', 'v:"x"', "i:3", "f:name")
    assert fieldset.path_text(path) == '.spec[containerPort=80,protocol="TCP"][="x"][3].name'


def test_members_of_a_level_come_before_those_below():
    fields = {"f:b": {"f:x": {}}, "f:c": {}, "f:a": {".": {}, "f:y": {}}}
    assert list(fieldset.paths(fields)) == [("f:a",), ("f:c",), ("f:a", "f:y"), ("f:b", "f:x")]


def test_sets_are_written_in_the_servers_order():
    ports = [443, 8080, 80]
    fields = {
        "f:b": {f'k:{{"port":{port}}}': {"f:x": {}, ".": {}} for port in ports},
        "f:a": {"i:10": {}, "i:9": {}},
    }
    written = fieldset.ordered(fields)
    assert list(written) == ["f:a", "f:b"]
    assert list(written["f:a"]) == ["i:9", "i:10"]
    assert list(written["f:b"]) == [f'k:{{"port":{port}}}' for port in (80, 443, 8080)]
    assert list(written["f:b"]['k:{"port":80}']) == [".", "f:x"]


@given(_SETS)
def test_ordering_changes_nothing_but_the_order(paths):
    fields = build(paths)
    written = fieldset.ordered(fields)
    assert written == fields
    assert fieldset.ordered(written) is written
