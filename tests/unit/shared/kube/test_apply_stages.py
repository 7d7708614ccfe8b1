"""What goes before what, and what is told when something goes wrong."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from shared.kube.apply import ApplyOptions
from shared.kube.apply_errors import ApplyFailed, StillSettling
from shared.kube.apply_object import Rules
from shared.logic.changes import Action
from shared.model.kinds import Resource
from shared.model.meta import GroupKind, Object, ObjectRef
from tests.unit.shared.kube.conftest import NAMESPACE, Engine, actions


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
