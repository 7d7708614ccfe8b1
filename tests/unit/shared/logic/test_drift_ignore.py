import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic import json_pointer
from shared.logic.drift_ignore import IgnoredPaths, IgnoreRules, InvalidIgnoreRule
from shared.model.meta import Object

US = "kustomize-controller"


def deployment(replicas: int | None = None, image: str = "a:1", **meta: object) -> Object:
    spec: Object = {"containers": [{"name": "side", "image": "s"}, {"name": "web", "image": image}]}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", **meta}, "spec": spec}


def owned(manager: str, fields: Object) -> Object:
    return {"managedFields": [{"manager": manager, "operation": "Apply", "fieldsV1": fields}]}


SELECTION = {
    "no target": ({}, True),
    "its kind": ({"kind": "Deployment"}, True),
    "a part of its kind": ({"kind": "Deploy"}, False),
    "a pattern": ({"kind": "Deploy.*", "name": "w[aeiou]b"}, True),
    "alternatives are anchored": ({"kind": "X|Deployment"}, True),
    "another group": ({"group": "batch"}, False),
    "its version": ({"version": "v1"}, True),
    "its labels": ({"labelSelector": "app in (web)"}, True),
    "other labels": ({"labelSelector": "app!=web"}, False),
    "its annotations": ({"annotationSelector": "hpa"}, True),
}


@pytest.mark.parametrize(("target", "matches"), SELECTION.values(), ids=SELECTION)
def test_targets(target: Object, matches: bool) -> None:
    rules = IgnoreRules.parse([{"paths": ["/spec/replicas"], "target": target}])
    obj = deployment(labels={"app": "web"}, annotations={"hpa": "yes"})
    assert bool(rules.paths_for(obj).paths) is matches


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"paths": ["spec"]}, "invalid JSON pointer"),
        ({"paths": ["/a"], "target": {"name": "(a"}}, "invalid regular expression"),
        ({"paths": ["/a"], "target": {"name": "(?=a)"}}, "invalid regular expression"),
        ({"paths": ["/a"], "target": {"labelSelector": "a b"}}, "unable to parse selector"),
    ],
)
def test_invalid_rules_are_named(rule: Object, where: str) -> None:
    with pytest.raises(InvalidIgnoreRule, match=rf"^ignore\[1\]: .*{where}"):
        IgnoreRules.parse([{"paths": ["/fine"]}, rule])


def paths(*pointers: str) -> IgnoredPaths:
    return IgnoredPaths(tuple(json_pointer.parse_pointer(pointer) for pointer in pointers))


def test_ignored_places_are_not_compared() -> None:
    ignored = paths("/spec/replicas", "/spec/containers/1/image", "/metadata/labels/a~1b", "/no/where")
    one = deployment(1, "a:1", labels={"a/b": "1"})
    assert ignored.without(one) == ignored.without(deployment(5, "a:2", labels={"a/b": "2"}))
    assert one == deployment(1, "a:1", labels={"a/b": "1"})


def test_the_live_value_is_adopted() -> None:
    live, dry_run = deployment(5), deployment(1)
    assert paths("/spec/replicas").resolve(deployment(1), live, dry_run, manager=US) == deployment(5)


def test_a_field_that_another_manager_applies_is_left_out() -> None:
    theirs = owned("hpa", {"f:spec": {"f:replicas": {}}})
    live = deployment(5, **theirs)
    assert paths("/spec/replicas").resolve(deployment(1), live, deployment(1), manager=US) == deployment()


def test_list_items_are_found_by_their_keys() -> None:
    fields = {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}
    ignored = paths("/spec/containers/1/image")
    resolved = ignored.resolve(
        deployment(), deployment(image="a:2", **owned("x", fields)), deployment(), manager=US
    )
    assert resolved["spec"]["containers"][1] == {"name": "web"}
    ours = ignored.resolve(
        deployment(), deployment(image="a:2", **owned(US, fields)), deployment(), manager=US
    )
    assert ours["spec"]["containers"][1] == {"name": "web", "image": "a:2"}


def test_what_is_absent_in_the_cluster_stays_absent() -> None:
    resolved = paths("/spec/replicas").resolve(deployment(1), deployment(), deployment(1), manager=US)
    assert resolved == deployment()


json = st.recursive(
    st.integers(), lambda child: st.lists(child, max_size=3) | st.dictionaries(st.sampled_from("ab0"), child)
)
pointers = st.lists(st.sampled_from(["a", "b", "0", "1"]), min_size=1, max_size=4).map(tuple)


@given(json, pointers, st.integers())
def test_pointer_laws(value: object, steps: tuple[str, ...], new: int) -> None:
    there, found = json_pointer.find(value, steps)
    removed = json_pointer.without(value, steps)
    if there:
        assert json_pointer.with_value(value, steps, found) == value
        assert json_pointer.find(json_pointer.with_value(value, steps, new), steps) == (True, new)
        assert removed != value
    else:
        assert removed is value
