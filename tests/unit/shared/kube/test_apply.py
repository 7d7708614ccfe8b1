"""The applier against an API server. Requests are counted, because not asking is the point."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from shared.kube.apply import ApplyOptions
from shared.kube.apply_errors import ApplyFailed, StillSettling
from shared.kube.apply_object import Rules
from shared.logic.changes import Action, ChangeSet
from shared.logic.drift_ignore import IgnoreRules
from shared.logic.owner import GROUP
from shared.model.kinds import CONFIG_MAP, Resource
from shared.model.meta import GroupKind, Object, ObjectRef
from tests.unit.shared.kube.conftest import NAMESPACE, Engine

CONFIG_MAPS = GroupKind("", "ConfigMap")


def actions(changes: ChangeSet) -> list[str]:
    return [f"{entry.ref.name} {entry.action}" for entry in changes]


async def test_creates_with_two_requests_and_keeps_with_none(engine: Engine) -> None:
    objects = [engine.config_map(name, a="1") for name in ("one", "two", "three")]
    changes = await engine.apply(*objects)
    assert actions(changes) == ["one created", "three created", "two created"]
    counted = engine.count()
    assert counted["PATCH"] == 6, "a dry run and an apply each"
    assert counted.get("GET", 0) == 1, "discovery"

    await engine.covered(CONFIG_MAPS)
    assert actions(await engine.apply(*objects)) == ["one unchanged", "three unchanged", "two unchanged"]
    assert engine.count() == {}


async def test_only_what_changed_is_sent(engine: Engine) -> None:
    await engine.apply(engine.config_map("one", a="1"), engine.config_map("two", a="1"))
    await engine.covered(CONFIG_MAPS)
    changes = await engine.apply(engine.config_map("one", a="1"), engine.config_map("two", a="2"))
    assert actions(changes) == ["one unchanged", "two configured"]
    assert engine.count() == {"PATCH": 2, "GET": 1}
    found = await engine.find("two")
    assert found is not None
    assert found["data"] == {"a": "2"}
    await engine.apply(engine.config_map("one", a="1"), engine.config_map("two"))
    found = await engine.find("two")
    assert found is not None
    assert "data" not in found


async def test_without_memory_everything_is_checked(engine: Engine) -> None:
    await engine.apply(engine.config_map("one", a="1"))
    await engine.covered(CONFIG_MAPS)
    engine.memory.forget_all()
    assert actions(await engine.apply(engine.config_map("one", a="1"))) == ["one unchanged"]
    assert engine.count() == {"PATCH": 1, "GET": 1}
    await engine.apply(engine.config_map("one", a="1"))
    assert engine.count() == {}


async def test_drift_is_told_and_repaired(engine: Engine) -> None:
    await engine.apply(engine.config_map("one", a="1"))
    await engine.covered(CONFIG_MAPS)
    await engine.edit("one", {"data": {"a": "2"}})
    drift = await engine.drift()
    assert (drift.owner, str(drift.ref), drift.what, drift.delay) == (
        engine.memory.owner,
        f"ConfigMap/{engine.namespace}/one",
        "changed",
        0.0,
    )
    engine.count()
    assert actions(await engine.apply(engine.config_map("one", a="1"))) == ["one configured"]
    assert engine.count() == {"PATCH": 2, "GET": 1}
    await asyncio.sleep(0.3)
    assert engine.drifts == [], "our own writes are no drift"
    assert actions(await engine.apply(engine.config_map("one", a="1"))) == ["one unchanged"]
    assert engine.count() == {}


async def test_deletion_and_lost_labels_are_drift(engine: Engine) -> None:
    await engine.apply(engine.config_map("one"), engine.config_map("two"))
    await engine.covered(CONFIG_MAPS)
    await engine.client.delete(CONFIG_MAP, engine.namespace, "one")
    drift = await engine.drift()
    assert (drift.ref.name, drift.what) == ("one", "gone")
    await engine.edit("two", {"metadata": {"labels": None}})
    drift = await engine.drift()
    assert (drift.ref.name, drift.what) == ("two", "gone")
    assert actions(await engine.apply(engine.config_map("one"), engine.config_map("two"))) == [
        "one created",
        "two configured",
    ]


async def test_fields_of_others_stay_and_those_of_kubectl_go(engine: Engine) -> None:
    await engine.apply(engine.config_map("one", a="1"))
    await engine.covered(CONFIG_MAPS)
    await engine.edit("one", {"data": {"theirs": "x"}})
    await engine.client.patch(
        CONFIG_MAP,
        engine.namespace,
        "one",
        {"data": {"by-hand": "x"}},
        params={"fieldManager": "kubectl-edit"},
    )
    await engine.drift()
    assert actions(await engine.apply(engine.config_map("one", a="1"))) == ["one configured"]
    found = await engine.find("one")
    assert found is not None
    assert found["data"] == {"a": "1", "theirs": "x"}
    managers = [(entry["manager"], entry["operation"]) for entry in found["metadata"]["managedFields"]]
    assert sorted(managers) == [("kustomize-controller", "Apply"), ("somebody-else", "Update")]


async def test_takes_over_what_kubectl_applied(engine: Engine) -> None:
    theirs = engine.config_map("one", a="1", b="2")
    theirs["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    await engine.client.create(CONFIG_MAP, theirs, field_manager="kubectl-client-side-apply")
    assert actions(await engine.apply(engine.config_map("one", a="1"))) == ["one configured"]
    found = await engine.find("one")
    assert found is not None
    assert found["data"] == {"a": "1"}
    assert "annotations" not in found["metadata"]


OPT_OUTS = {
    "reconcile disabled": ({"reconcile": "disabled"}, {}, "skipped", "2"),
    "ignored": ({"ssa": "Ignore"}, {}, "skipped", "2"),
    "reconcile disabled in the cluster": ({}, {"reconcile": "disabled"}, "skipped", "2"),
    "only if not present": ({"ssa": "IfNotPresent"}, {}, "skipped", "2"),
    "only if not present, said in the cluster": ({}, {"ssa": "IfNotPresent"}, "configured", "1"),
}


@pytest.mark.parametrize(("wanted", "there", "action", "value"), OPT_OUTS.values(), ids=OPT_OUTS)
async def test_opt_outs(
    engine: Engine, wanted: dict[str, str], there: dict[str, str], action: str, value: str
) -> None:
    live, manifest = engine.config_map("one", a="2"), engine.config_map("one", a="1")
    live["metadata"]["annotations"] = {f"{GROUP}/{key}": word for key, word in there.items()}
    manifest["metadata"]["annotations"] = {f"{GROUP}/{key}": word for key, word in wanted.items()}
    await engine.client.create(CONFIG_MAP, live)
    assert actions(await engine.apply(manifest)) == [f"one {action}"]
    found = await engine.find("one")
    assert found is not None
    assert found["data"] == {"a": value}


async def test_what_is_created_only_if_absent_is_created(engine: Engine) -> None:
    manifest = engine.config_map("one", a="1")
    manifest["metadata"]["annotations"] = {f"{GROUP}/ssa": "IfNotPresent"}
    assert actions(await engine.apply(manifest)) == ["one created"]


async def test_merge_keeps_what_kubectl_set(engine: Engine) -> None:
    await engine.client.create(
        CONFIG_MAP, engine.config_map("one", by_hand="x"), field_manager="kubectl-client-side-apply"
    )
    manifest = engine.config_map("one", a="1")
    manifest["metadata"]["annotations"] = {f"{GROUP}/ssa": "Merge"}
    await engine.apply(manifest)
    found = await engine.find("one")
    assert found is not None
    assert found["data"] == {"a": "1", "by_hand": "x"}


async def test_one_bad_object_keeps_the_whole_stage_from_being_written(engine: Engine) -> None:
    bad = engine.config_map("bad")
    bad["data"] = {"no such/key": "x"}
    worse = engine.config_map("Worse")
    with pytest.raises(ApplyFailed) as failure:
        await engine.apply(engine.config_map("good"), bad, worse)
    lines = str(failure.value).splitlines()
    assert lines[0].startswith(f"ConfigMap/{engine.namespace}/Worse dry-run failed (Invalid): ")
    assert lines[1].startswith(f"ConfigMap/{engine.namespace}/bad dry-run failed (Invalid): ")
    assert await engine.find("good") is None
    assert len(failure.value.changes) == 0


async def test_completed_stages_are_told_when_a_later_one_fails(engine: Engine) -> None:
    name = f"{engine.namespace}-more"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    lost = engine.config_map("lost")
    lost["metadata"]["namespace"] = f"{engine.namespace}-not-there"
    with pytest.raises(ApplyFailed) as failure:
        await engine.apply(namespace, lost)
    await engine.client.delete(NAMESPACE, "", name)
    assert str(failure.value).startswith(f"ConfigMap/{engine.namespace}-not-there/lost not found: ")
    assert failure.value.render().splitlines()[-1] == f"Namespace/{name} created"


async def test_an_unknown_kind_and_a_missing_namespace_are_named(engine: Engine) -> None:
    alien = {"apiVersion": "no.such/v1", "kind": "Alien", "metadata": {"name": "x", "namespace": "y"}}
    homeless = engine.config_map("homeless")
    del homeless["metadata"]["namespace"]
    with pytest.raises(ApplyFailed) as failure:
        await engine.apply(alien, homeless)
    assert str(failure.value).splitlines() == [
        "ConfigMap/homeless namespace not specified: the server could not find the requested resource",
        'Alien/y/x dry-run failed: no matches for kind "Alien" in version "no.such/v1"',
    ]


async def test_values_of_secrets_do_not_get_into_messages(engine: Engine) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "one", "namespace": engine.namespace},
        "data": {"password": "hunter2 in plain text"},
    }
    with pytest.raises(ApplyFailed) as failure:
        await engine.apply(secret)
    assert "hunter2" not in str(failure.value)


def crd(group: str, kind: str = "Widget") -> Object:
    plural = f"{kind.lower()}s"
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }


async def test_a_definition_and_its_objects_in_one_apply(engine: Engine) -> None:
    group = f"g{secrets.token_hex(4)}.example.com"
    widget = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "one", "namespace": engine.namespace},
        "spec": {"size": 1},
    }
    definition = crd(group)
    try:
        assert actions(await engine.apply(widget, definition)) == [f"widgets.{group} created", "one created"]
        await engine.covered(
            GroupKind(group, "Widget"), GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
        )
        assert actions(await engine.apply(widget, definition)) == [
            f"widgets.{group} unchanged",
            "one unchanged",
        ]
        assert engine.count() == {}
        live = await engine.find("one", Resource(group, "v1", "Widget", "widgets"))
        assert live is not None
    finally:
        result = await engine.pruner.prune(
            [change.ref for change in await engine.apply(widget, definition)], engine.owner
        )
    assert result.failure == ""


CLUSTER_ROLE = Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)


async def test_a_stage_that_is_not_ready_holds_nobody_for_long(engine: Engine) -> None:
    name = f"{engine.namespace}-stuck"
    role = {"apiVersion": CLUSTER_ROLE.api_version, "kind": "ClusterRole", "metadata": {"name": name}}
    stuck = {**role, "metadata": {"name": name, "finalizers": ["example.com/stuck"]}}
    await engine.client.create(CLUSTER_ROLE, stuck)
    await engine.client.delete(CLUSTER_ROLE, "", name)
    options = ApplyOptions(patience=0.2)
    started = asyncio.get_running_loop().time()
    for _ in range(2):
        with pytest.raises(StillSettling) as waiting:
            await engine.apply(role, engine.config_map("one"), options=options)
        assert str(waiting.value) == f"timeout waiting for: [ClusterRole/{name} status: 'Terminating']"
    assert asyncio.get_running_loop().time() - started < 5
    assert await engine.find("one") is None
    await engine.client.patch(CLUSTER_ROLE, "", name, {"metadata": {"finalizers": None}})
    assert actions(await engine.apply(role, engine.config_map("one"), options=options)) == [
        f"{name} created",
        "one created",
    ]
    await engine.client.delete(CLUSTER_ROLE, "", name)


async def test_ignored_fields_keep_their_live_value(engine: Engine) -> None:
    rules = IgnoreRules.parse([{"paths": ["/data/replicas"], "target": {"kind": "ConfigMap", "name": "on."}}])
    options = ApplyOptions(Rules(ignore=rules))
    await engine.apply(engine.config_map("one", replicas="1", a="1"), options=options)
    await engine.edit("one", {"data": {"replicas": "5"}})
    changes = await engine.apply(engine.config_map("one", replicas="1", a="1"), options=options)
    assert actions(changes) == ["one unchanged"]
    changes = await engine.apply(engine.config_map("one", replicas="1", a="2"), options=options)
    assert actions(changes) == ["one configured"]
    found = await engine.find("one")
    assert found is not None
    assert found["data"] == {"replicas": "5", "a": "2"}


def deployment(engine: Engine, app: str) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": engine.namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": app}},
            "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}]},
            },
        },
    }


DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")


async def test_an_immutable_field_needs_force(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    before = await engine.find("web", DEPLOYMENT)
    with pytest.raises(ApplyFailed, match=r"Deployment/.*/web dry-run failed \(Invalid\): .*immutable"):
        await engine.apply(deployment(engine, "two"))
    changes = await engine.apply(deployment(engine, "two"), options=ApplyOptions(Rules(force=True)))
    assert actions(changes) == ["web created"]
    after = await engine.find("web", DEPLOYMENT)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"]["selector"] == {"matchLabels": {"app": "two"}}


async def test_nothing_is_deleted_for_a_manifest_that_can_never_be_created(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    before = await engine.find("web", DEPLOYMENT)
    broken = deployment(engine, "two")
    broken["spec"]["replicas"] = -1
    with pytest.raises(ApplyFailed, match=r"dry-run failed \(Invalid\): .*replicas"):
        await engine.apply(broken, options=ApplyOptions(Rules(force=True)))
    after = await engine.find("web", DEPLOYMENT)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_unknown_fields_of_built_in_kinds_are_left_out(engine: Engine) -> None:
    odd = deployment(engine, "one")
    odd["spec"]["template"]["spec"]["containers"][0]["imagee"] = "typo"
    odd["surprise"] = 1
    assert actions(await engine.apply(odd)) == ["web created"]
    await engine.covered(GroupKind("apps", "Deployment"))
    assert actions(await engine.apply(odd)) == ["web unchanged"]
    assert engine.count() == {}


async def test_a_deployment_is_recognised_as_unchanged(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    engine.memory.forget_all()
    assert actions(await engine.apply(deployment(engine, "one"))) == ["web unchanged"]


async def test_managers_of_an_older_version_are_migrated_when_asked_for(engine: Engine) -> None:
    group = f"g{secrets.token_hex(4)}.example.com"
    definition = crd(group)
    [version] = definition["spec"]["versions"]
    definition["spec"]["versions"].append({**version, "name": "v2", "storage": False})
    old, new = (Resource(group, name, "Widget", "widgets") for name in ("v1", "v2"))
    widget = {"kind": "Widget", "metadata": {"name": "one", "namespace": engine.namespace}, "spec": {"a": 1}}
    try:
        await engine.apply(definition, {**widget, "apiVersion": old.api_version})
        await engine.edit("one", {"spec": {"theirs": 1}}, old)
        options = ApplyOptions(Rules(migrate_api_version=True))
        await engine.apply(definition, {**widget, "apiVersion": new.api_version}, options=options)
        found = await engine.find("one", new)
    finally:
        await engine.pruner.prune([ObjectRef.of(definition)], engine.owner)
    assert found is not None
    managers = {entry["manager"]: entry["apiVersion"] for entry in found["metadata"]["managedFields"]}
    assert managers == {"kustomize-controller": new.api_version, "somebody-else": new.api_version}


async def test_status_alone_is_no_drift(engine: Engine) -> None:
    await engine.apply(deployment(engine, "one"))
    await engine.covered(GroupKind("apps", "Deployment"))
    await asyncio.sleep(0.3)
    engine.drifts.clear()
    await engine.client.patch(
        DEPLOYMENT,
        engine.namespace,
        "web",
        {
            "status": {
                "conditions": [
                    {"type": "Odd", "status": "True", "reason": "x", "message": secrets.token_hex()}
                ]
            }
        },
        subresource="status",
    )
    await asyncio.sleep(0.3)
    assert engine.drifts == []
    engine.count()
    assert actions(await engine.apply(deployment(engine, "one"))) == ["web unchanged"]
    assert engine.count() == {}


async def test_a_namespace_on_a_cluster_scoped_object_is_dropped(engine: Engine) -> None:
    name = f"{engine.namespace}-role"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "namespace": engine.namespace},
        "rules": [],
    }
    changes = await engine.apply(role)
    assert actions(changes) == [f"{name} created"]
    await engine.covered(GroupKind("rbac.authorization.k8s.io", "ClusterRole"))
    assert actions(await engine.apply(role)) == [f"{name} unchanged"]
    assert engine.count() == {}
    result = await engine.pruner.prune(changes.refs(), engine.owner)
    assert [entry.action for entry in result.changes] == [Action.DELETED]
