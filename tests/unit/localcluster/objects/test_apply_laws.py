"""Laws of server-side apply, over random objects of a type with every kind of list and map."""

from hypothesis import given, settings
from hypothesis import strategies as st

from localcluster.objects import fieldset, managed
from localcluster.objects.crd.nodes import root_of
from localcluster.objects.managed import ApplyConflict, Writer
from localcluster.objects.merge import compare, merge, remove_items, with_named_fields
from localcluster.objects.typed import to_field_set

SCHEMA = root_of(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer"},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                    "args": {"type": "array", "items": {"type": "string"}},
                    "fixed": {
                        "type": "object",
                        "x-kubernetes-map-type": "atomic",
                        "additionalProperties": {"type": "string"},
                    },
                    "ports": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["number", "proto"],
                        "items": {
                            "type": "object",
                            "required": ["number"],
                            "properties": {
                                "number": {"type": "integer"},
                                "proto": {"type": "string", "default": "TCP"},
                                "name": {"type": "string"},
                            },
                        },
                    },
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        },
    }
)
VERSION = "example.com/v1"
NOW = "2024-05-06T07:08:09Z"
_TEXT = st.sampled_from(["a", "b", "c"])
_TEXTS = st.dictionaries(_TEXT, _TEXT, max_size=3)
_PORT = st.fixed_dictionaries(
    {"number": st.integers(1, 3), "proto": st.sampled_from(["TCP", "UDP"])}, optional={"name": _TEXT}
)
_SPEC = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(0, 2),
        "labels": _TEXTS,
        # An empty list that is not atomic has no path: nobody can own it, and no law holds for it.
        "tags": st.lists(_TEXT, unique=True, min_size=1, max_size=3),
        "args": st.lists(_TEXT, max_size=3),
        "fixed": _TEXTS,
        "ports": st.lists(
            _PORT, unique_by=lambda port: (port["number"], port["proto"]), min_size=1, max_size=3
        ),
        "free": st.dictionaries(_TEXT, _TEXT | _TEXTS | st.lists(_TEXT, max_size=2), max_size=2),
    },
)


def thing(spec):
    return {"apiVersion": VERSION, "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}


THINGS = _SPEC.map(thing)


def apply(live, config, manager, *, force=True):
    outcome = managed.apply(live, config, SCHEMA, writer=Writer(manager, VERSION), now=NOW, force=force)
    obj = dict(outcome.obj)
    obj["metadata"] = {"uid": "1", **obj["metadata"], "managedFields": outcome.managed}
    return obj, outcome.changed


def owners(obj):
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"]["managedFields"]}


def content(obj):
    return {"spec": obj.get("spec"), "owners": owners(obj)}


@given(THINGS, THINGS)
@settings(max_examples=60)
def test_applying_again_changes_nothing(first, second):
    live, _ = apply(None, first, "one")
    live, _ = apply(live, second, "two")
    again, changed = apply(live, second, "two")
    assert not changed
    assert again == live


@given(THINGS, THINGS)
@settings(max_examples=60)
def test_what_was_applied_is_there_and_owned(first, second):
    live, _ = apply(None, first, "one")
    live, _ = apply(live, second, "two")
    wanted = fieldset.difference(to_field_set(second, SCHEMA), managed._SERVER_FIELDS)
    assert owners(live).get("two", {}) == wanted
    difference = compare(live, merge(live, second, SCHEMA), SCHEMA)
    assert difference.modified == {}
    assert difference.added == {}


@given(THINGS, THINGS, THINGS)
@settings(max_examples=60)
def test_without_conflict_the_order_of_appliers_does_not_matter(base, first, second):
    live, _ = apply(None, base, "base")
    try:
        one, _ = apply(live, first, "one", force=False)
        one, _ = apply(one, second, "two", force=False)
        other, _ = apply(live, second, "two", force=False)
        other, _ = apply(other, first, "one", force=False)
    except ApplyConflict:
        return
    assert owners(one) == owners(other)
    assert same_but_for_order(one, other)


def same_but_for_order(one, other):
    """New items of associative lists come in the order in which they were applied."""
    difference = compare(one["spec"], other["spec"], SCHEMA.fields["spec"])
    return not (difference.removed or difference.modified or difference.added)


@given(THINGS, THINGS)
@settings(max_examples=60)
def test_taking_leave_gives_back_what_only_this_one_had(first, second):
    alone, _ = apply(None, first, "one")
    try:
        live, _ = apply(alone, second, "two", force=False)
    except ApplyConflict:
        return
    left, _ = apply(live, {key: value for key, value in second.items() if key != "spec"}, "two")
    assert "two" not in owners(left)
    assert owners(left) == owners(alone)


@given(THINGS, THINGS)
@settings(max_examples=60)
def test_an_update_owns_exactly_what_it_changed(before, after):
    live, _ = apply(None, before, "one")
    new = {**after, "metadata": {"name": "t", "uid": "1"}}
    entries = managed.after_update(live, new, SCHEMA, writer=Writer("two", VERSION), now=NOW) or []
    difference = compare(before, after, SCHEMA)
    gained = fieldset.union(difference.modified, difference.added)
    found = {entry["manager"]: entry["fieldsV1"] for entry in entries}
    assert found.get("two", {}) == gained
    for path in fieldset.paths(found.get("one", {})):
        assert not fieldset.has(gained, *path)
        assert not fieldset.has(difference.removed, *path)


@given(THINGS, THINGS)
@settings(max_examples=60)
def test_merging_adds_nothing_that_neither_side_had(left, right):
    merged = set(fieldset.paths(to_field_set(merge(left, right, SCHEMA), SCHEMA)))
    either = set(fieldset.paths(to_field_set(left, SCHEMA))) | set(
        fieldset.paths(to_field_set(right, SCHEMA))
    )
    assert merged <= either


@given(THINGS)
def test_comparing_with_itself_finds_nothing(one):
    copy = thing(dict(one["spec"]))
    difference = compare(one, copy, SCHEMA)
    assert (difference.removed, difference.modified, difference.added) == ({}, {}, {})


@given(THINGS, THINGS)
@settings(max_examples=60)
def test_comparisons_mirror_each_other(left, right):
    there, back = compare(left, right, SCHEMA), compare(right, left, SCHEMA)
    assert there.added == back.removed
    assert there.removed == back.added
    assert there.modified == back.modified


@given(THINGS)
def test_removing_all_leaves_removes_all(one):
    fields = with_named_fields(to_field_set(one, SCHEMA), SCHEMA)
    assert remove_items(one, fields, SCHEMA) is None
