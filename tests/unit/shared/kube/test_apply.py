"""The applier against an API server. Requests are counted, because not asking is the point."""

from __future__ import annotations

import asyncio

import pytest

from shared.kube.apply import ApplyOptions
from shared.kube.apply_object import Rules
from shared.logic.drift_ignore import IgnoreRules
from shared.logic.owner import GROUP
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import GroupKind
from tests.unit.shared.kube.conftest import Engine, actions

CONFIG_MAPS = GroupKind("", "ConfigMap")


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
