from __future__ import annotations

from shared.kube.client import Identity
from shared.kube.prune import Pruner
from shared.logic.changes import ChangeSet
from shared.logic.owner import GROUP, Owner
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import GroupKind, ObjectRef
from tests.unit.shared.kube.conftest import Engine


def actions(changes: ChangeSet) -> dict[str, str]:
    return {entry.ref.name: entry.action.value for entry in changes}


async def test_deletes_what_is_ours_only(engine: Engine) -> None:
    kept = engine.config_map("kept")
    kept["metadata"]["annotations"] = {f"{GROUP}/prune": "disabled"}
    changes = await engine.apply(engine.config_map("one"), engine.config_map("taken"), kept)
    await engine.edit("taken", {"metadata": {"labels": Owner(engine.namespace, "other").labels}})
    gone = ObjectRef("v1", "ConfigMap", engine.namespace, "never-there")
    result = await engine.pruner.prune([*changes.refs(), gone], engine.owner)
    assert actions(result.changes) == {
        "one": "deleted",
        "taken": "skipped",
        "kept": "skipped",
        "never-there": "deleted",
    }
    assert (result.survivors, result.failure) == ([], "")
    assert await engine.find("one") is None
    assert await engine.find("taken") is not None


async def test_our_own_deletions_are_no_drift(engine: Engine) -> None:
    changes = await engine.apply(engine.config_map("one"), engine.config_map("two"))
    await engine.covered(GroupKind("", "ConfigMap"))
    await engine.pruner.prune(changes.refs(), engine.owner)
    await engine.client.create(CONFIG_MAP, engine.config_map("unrelated"))
    await engine.apply(engine.config_map("three"))
    await engine.edit("three", {"data": {"a": "b"}})
    drift = await engine.drift()
    assert drift.ref.name == "three"
    assert engine.drifts == []


async def test_objects_of_a_kind_that_is_gone_are_gone(engine: Engine) -> None:
    alien = ObjectRef("no.such.group/v1", "Alien", engine.namespace, "x")
    renamed = ObjectRef("apps/v1beta1", "Deployment", engine.namespace, "x")
    result = await engine.pruner.prune([alien, renamed], engine.owner)
    assert set(actions(result.changes).values()) == {"deleted"}


async def test_an_older_version_of_the_kind_still_finds_the_object(engine: Engine) -> None:
    await engine.apply(engine.config_map("one"))
    old = ObjectRef("v0beta1", "ConfigMap", engine.namespace, "one")
    result = await engine.pruner.prune([old], engine.owner)
    assert actions(result.changes) == {"one": "deleted"}
    assert await engine.find("one") is None


async def test_what_waits_for_its_finalizers_is_still_there(engine: Engine) -> None:
    stuck = engine.config_map("stuck")
    stuck["metadata"]["finalizers"] = ["example.com/stuck"]
    changes = await engine.apply(stuck, engine.config_map("one"))
    result = await engine.pruner.prune(changes.refs(), engine.owner)
    assert set(actions(result.changes).values()) == {"deleted"}
    assert [ref.name for ref in await engine.pruner.find_left(changes.refs())] == ["stuck"]
    await engine.edit("stuck", {"metadata": {"finalizers": None}})
    assert await engine.pruner.find_left(changes.refs()) == []


async def test_what_cannot_be_deleted_survives_in_the_inventory(engine: Engine) -> None:
    changes = await engine.apply(engine.config_map("one"))
    stranger = engine.client.impersonating(Identity.service_account(engine.namespace, "stranger"))
    result = await Pruner(stranger, engine.discovery, engine.tracker).prune(changes.refs(), engine.owner)
    assert [ref.name for ref in result.survivors] == ["one"]
    assert result.failure.startswith(f"delete failed, errors: ConfigMap/{engine.namespace}/one ")
    assert "forbidden" in result.failure
    assert await engine.find("one") is not None
