"""managedFields of built-in kinds, write by write."""

import pytest

from localcluster.objects import managed
from localcluster.objects.decode import normalise
from localcluster.objects.errors import BadRequest, InternalError
from localcluster.objects.managed import LAST_APPLIED, ApplyConflict, Writer
from localcluster.objects.schema import builtin

CONFIG_MAP = builtin("", "v1", "ConfigMap")
DEPLOYMENT = builtin("apps", "v1", "Deployment")
NOW, LATER = "2024-05-06T07:08:09Z", "2024-05-06T08:08:09Z"


def config(data=None, **meta):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **meta}, "data": data or {}}


def applied(live, obj, manager="alice", *, force=False, now=NOW):
    outcome = managed.apply(live, obj, CONFIG_MAP, writer=Writer(manager, "v1"), now=now, force=force)
    return kept(outcome.obj, outcome.managed)


def kept(obj, entries):
    obj = normalise(obj, CONFIG_MAP)
    meta = {"uid": "1", **obj["metadata"], "managedFields": entries or []}
    return {**obj, "metadata": meta}


def updated(live, obj, manager="bob", *, now=NOW):
    entries = managed.after_update(live, obj, CONFIG_MAP, writer=Writer(manager, "v1"), now=now)
    return kept(obj, entries)


def owners(obj):
    return {
        (entry["manager"], entry["operation"]): entry["fieldsV1"]
        for entry in obj["metadata"]["managedFields"]
    }


def test_a_created_object_belongs_to_its_creator_without_the_structs_that_are_always_there():
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]},
            },
        },
    }
    entries = managed.after_update(
        None, normalise(obj, DEPLOYMENT), DEPLOYMENT, writer=Writer("kubectl", "apps/v1"), now=NOW
    )
    assert entries is not None
    assert entries[0]["fieldsV1"] == {
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                "f:spec": {
                    "f:containers": {
                        'k:{"name":"c"}': {
                            ".": {},
                            "f:name": {},
                            "f:image": {},
                            "f:ports": {
                                ".": {},
                                'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
                            },
                            "f:resources": {},
                        }
                    }
                },
            },
        }
    }


def test_the_message_of_a_single_conflict_names_the_field_and_the_owner():
    live = applied(None, config({"one": "1"}))
    with pytest.raises(ApplyConflict) as caught:
        applied(live, config({"one": "2"}), "bob")
    assert str(caught.value) == 'Apply failed with 1 conflict: conflict with "alice": .data.one'
    assert [(cause.message, cause.field) for cause in caught.value.causes] == [
        ('conflict with "alice"', ".data.one")
    ]


def test_conflicts_with_several_are_listed_by_owner():
    live = updated(None, config({"one": "1", "two": "2"}), "creator")
    live = updated(live, config({"one": "1", "two": "3"}), "patcher")
    with pytest.raises(ApplyConflict) as caught:
        applied(live, config({"one": "x", "two": "y"}))
    assert str(caught.value) == (
        'Apply failed with 2 conflicts: conflicts with "creator" using v1:\n- .data.one\n'
        'conflicts with "patcher" using v1:\n- .data.two'
    )


def test_force_takes_the_field_from_its_owner():
    live = applied(None, config({"one": "1", "two": "2"}))
    live = applied(live, config({"one": "x"}), "bob", force=True)
    assert live["data"] == {"one": "x", "two": "2"}
    assert owners(live) == {
        ("alice", "Apply"): {"f:data": {"f:two": {}}},
        ("bob", "Apply"): {"f:data": {"f:one": {}}},
    }


def test_an_object_from_before_anybody_applied_gets_an_entry_for_its_past():
    live = config({"one": "1"}, uid="1")
    live = applied(live, config({"two": "2"}))
    assert owners(live)["before-first-apply", "Update"] == {"f:data": {".": {}, "f:one": {}}}
    assert live["data"] == {"one": "1", "two": "2"}


def test_time_moves_with_the_object_alone():
    live = applied(None, config({"one": "1"}))
    assert applied(live, config({"one": "1"}), now=LATER) == live
    moved = applied(live, config({"one": "2"}), now=LATER)
    assert moved["metadata"]["managedFields"][0]["time"] == LATER


def test_a_second_applier_of_the_same_value_shares_it_and_has_no_time():
    live = applied(None, config({"one": "1"}))
    live = applied(live, config({"one": "1"}), "bob")
    entry = next(one for one in live["metadata"]["managedFields"] if one["manager"] == "bob")
    assert "time" not in entry
    assert owners(live)["alice", "Apply"] == owners(live)["bob", "Apply"]


def test_more_than_ten_updaters_share_an_entry_of_the_oldest():
    live = updated(None, config({"k0": "v"}), "m0")
    data = {"k0": "v"}
    for n in range(1, 13):
        data = {**data, f"k{n}": "v"}
        new = config(data, uid="1", managedFields=live["metadata"]["managedFields"])
        live = updated(live, new, f"m{n}", now=f"2024-05-06T07:{n:02}:00Z")
    names = [entry["manager"] for entry in live["metadata"]["managedFields"]]
    assert len(names) == 10
    assert "ancient-changes" in names
    assert (
        sum(
            len([k for k in entry["fieldsV1"]["f:data"] if k != "."])
            for entry in live["metadata"]["managedFields"]
        )
        == 13
    )


def test_an_empty_entry_makes_the_server_forget_who_owns_what():
    live = applied(None, config({"one": "1"}))
    new = config({"one": "1"}, uid="1", managedFields=[{}])
    assert managed.after_update(live, new, CONFIG_MAP, writer=Writer("bob", "v1"), now=NOW) is None


def test_a_client_that_knows_nothing_of_managed_fields_does_not_lose_them():
    live = applied(None, config({"one": "1"}))
    live = updated(live, config({"one": "1", "two": "2"}, uid="1"))
    assert owners(live) == {
        ("alice", "Apply"): {"f:data": {"f:one": {}}},
        ("bob", "Update"): {"f:data": {"f:two": {}}},
    }


def test_kubectl_may_take_over_what_it_applied_client_side_and_keeps_its_annotation_current():
    last = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"one":"1"}}'
    live = updated(None, config({"one": "1"}, annotations={LAST_APPLIED: last}), "kubectl-client-side-apply")
    live = applied(live, config({"one": "2"}), "kubectl")
    assert live["data"] == {"one": "2"}
    assert live["metadata"]["annotations"][LAST_APPLIED] == (
        '{"apiVersion":"v1","data":{"one":"2"},"kind":"ConfigMap","metadata":{"name":"a"}}\n'
    )


@pytest.mark.parametrize(
    ("obj", "failure", "message"),
    [
        ({**config(), "apiVersion": "v2"}, BadRequest, "Incorrect version specified in apply patch"),
        (config(managedFields=[]), BadRequest, "metadata.managedFields must be nil"),
        ({**config(), "extra": 1}, InternalError, ".extra: field not declared in schema"),
        (config({"x": 1}), InternalError, ".data.x: expected string, got &value.valueUnstructured{Value:1}"),
    ],
    ids=["version", "managedFields", "undeclared field", "type"],
)
def test_what_cannot_be_applied(obj, failure, message):
    with pytest.raises(failure, match=message.replace("{", r"\{").replace("[", r"\[")):
        applied(None, obj)


def test_a_repeated_key_cannot_be_applied():
    ports = [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "TCP"}]
    obj = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports}}
    with pytest.raises(InternalError, match="duplicate entries for key"):
        managed.apply(None, obj, builtin("", "v1", "Service"), writer=Writer("a", "v1"), now=NOW)


@pytest.mark.parametrize(
    ("agent", "manager"),
    {"kubectl/v1.36.2 (linux/amd64)": "kubectl", "curl": "curl", "": "", "x" * 200: "x" * 128}.items(),
)
def test_the_default_manager_is_the_start_of_the_user_agent(agent, manager):
    assert managed.default_manager(agent) == manager


def test_managed_fields_that_differ_in_time_alone_do_not_count_as_a_change():
    live = applied(None, config({"one": "1"}))
    entries = [{**live["metadata"]["managedFields"][0], "time": LATER}]
    new = {**live, "metadata": {**live["metadata"], "managedFields": entries}}
    assert managed.settle_times(live, new) == live
