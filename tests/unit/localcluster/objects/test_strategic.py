"""Strategic merge patches of built-in kinds."""

import pytest

from localcluster.objects.errors import BadRequest, InternalError
from localcluster.objects.schema import builtin
from localcluster.objects.strategic import strategic_merge


def pod(*containers, **spec):
    return {"spec": {"containers": [dict(one) for one in containers], **spec}}


def patched(document, patch):
    return strategic_merge(document, patch, builtin("", "v1", "Pod"))


A, B, C = ({"name": name, "image": f"{name}:1"} for name in "abc")
CASES = {
    "items merge by key": (
        pod(A, B),
        pod({"name": "b", "image": "b:2"}),
        [A, {"name": "b", "image": "b:2"}],
    ),
    "new items come before server's where nothing says otherwise": (
        pod(A, B),
        pod({"name": "z", "image": "z"}),
        [{"name": "z", "image": "z"}, A, B],
    ),
    "delete": (pod(A, B), pod({"name": "a", "$patch": "delete"}), [B]),
    "delete what is not there": (pod(A), pod({"name": "x", "$patch": "delete"}), [A]),
    "replace": (pod(A, B), pod(C, {"$patch": "replace"}), [C]),
    "order alone": (
        pod(A, B, C),
        {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}},
        [C, A, B],
    ),
    "null deletes a field": (
        pod({**A, "command": ["x"]}),
        pod({"name": "a", "command": None}),
        [A],
    ),
}


@pytest.mark.parametrize(("document", "patch", "wanted"), CASES.values(), ids=CASES.keys())
def test_lists_of_containers(document, patch, wanted):
    assert patched(document, patch)["spec"]["containers"] == wanted


def test_lists_without_key_are_replaced():
    before = {"spec": {"containers": [{**A, "args": ["x", "y"]}]}}
    after = patched(before, pod({"name": "a", "args": ["z"]}))
    assert after["spec"]["containers"][0]["args"] == ["z"]


def test_maps_are_merged_replaced_or_deleted():
    before = {"metadata": {"labels": {"a": "1", "b": "2"}}}
    assert patched(before, {"metadata": {"labels": {"a": None}}})["metadata"]["labels"] == {"b": "2"}
    replaced = patched(before, {"metadata": {"labels": {"c": "3", "$patch": "replace"}}})
    assert replaced["metadata"]["labels"] == {"c": "3"}
    assert patched(before, {"metadata": {"labels": {"$patch": "delete"}}})["metadata"]["labels"] == {}


def test_plain_values_merge_and_can_be_taken_out():
    before = {"metadata": {"finalizers": ["x/a", "x/b"]}}
    merged = patched(before, {"metadata": {"finalizers": ["x/b", "x/c"]}})
    assert merged["metadata"]["finalizers"] == ["x/a", "x/b", "x/c"]
    fewer = patched(before, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a"]}})
    assert fewer["metadata"]["finalizers"] == ["x/b"]


def test_retained_keys_are_all_that_stays():
    before = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    after = strategic_merge(before, patch, builtin("apps", "v1", "Deployment"))
    assert after["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("patch", "failure"),
    {
        "no merge key": (pod({"image": "x"}), InternalError),
        "an unknown directive": ({"metadata": {"labels": {"$patch": "shuffle"}}}, InternalError),
        "an unknown directive in a list": (pod({"name": "a", "$patch": "shuffle"}), InternalError),
        "an order that lacks an item": (
            {"spec": {"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "a"}]}},
            BadRequest,
        ),
        "no object": ([], BadRequest),
        "retained keys that are no list": ({"spec": {"$retainKeys": "x"}}, BadRequest),
    }.values(),
)
def test_malformed_patches_are_refused(patch, failure):
    with pytest.raises(failure):
        patched({"metadata": {"labels": {"a": "b"}}, **pod(A)}, patch)
