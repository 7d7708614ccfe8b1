"""From a commit to a cluster: git server -> source-controller -> kustomize-controller -> API server."""

from __future__ import annotations

import asyncio

import pytest

from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION
from tests.e2e.conftest import Controllers
from tests.e2e.repository import Repository, config_map, manifest
from tests.e2e.rollout import data_of, pushed, started
from tests.e2e.world import World, condition, eventually

pytestmark = pytest.mark.e2e


async def test_the_first_sync(world: World, controllers: Controllers, repository: Repository) -> None:
    revision = repository.commit({"a.yaml": config_map("a", key="1"), "sub/b.yaml": config_map("b", key="2")})
    ks = await started(world, repository)

    status = ks["status"]
    assert status["lastAppliedRevision"] == status["lastAttemptedRevision"] == revision
    assert condition(ks, "Ready")["message"] == f"Applied revision: {revision}"
    assert status["inventory"]["entries"] == [
        {"id": f"{world.namespace}_a__ConfigMap", "v": "v1"},
        {"id": f"{world.namespace}_b__ConfigMap", "v": "v1"},
    ]
    assert [h["lastReconciledStatus"] for h in status["history"]] == ["ReconciliationSucceeded"]
    assert ks["metadata"]["finalizers"] == ["finalizers.fluxcd.io"]

    applied = await world.get(CONFIG_MAP, "a")
    assert applied["data"] == {"key": "1"}
    assert applied["metadata"]["labels"] == {
        "kustomize.toolkit.fluxcd.io/name": "web",
        "kustomize.toolkit.fluxcd.io/namespace": world.namespace,
    }
    managers = {(m["manager"], m["operation"]) for m in applied["metadata"]["managedFields"]}
    assert managers == {("kustomize-controller", "Apply")}


async def test_events_tell_what_was_applied(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a")})
    await started(world, repository)

    async def told() -> bool:
        events = await world.events("web")
        return {"Progressing", "ReconciliationSucceeded"} <= {event["reason"] for event in events}

    await eventually(told)
    applied = next(event for event in await world.events("web") if event["reason"] == "Progressing")
    assert applied["message"] == f"ConfigMap/{world.namespace}/a created"
    assert "kustomize.toolkit.fluxcd.io/revision" in applied["metadata"]["annotations"]


async def test_a_commit_rolls_out_and_what_left_git_is_pruned(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1"), "b.yaml": config_map("b")})
    await started(world, repository)
    revision = await pushed(world, repository, a=config_map("a", key="2"), remove=("b.yaml",))
    ks = await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert await data_of(world, "a") == {"key": "2"}
    assert await data_of(world, "b") is None
    assert [entry["id"] for entry in ks["status"]["inventory"]["entries"]] == [
        f"{world.namespace}_a__ConfigMap"
    ]


async def test_drift_is_repaired_within_two_seconds(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1"), "b.yaml": config_map("b")})
    await started(world, repository)

    await world.client.patch(CONFIG_MAP, world.namespace, "a", {"data": {"key": "edited"}})
    edited = await eventually(lambda: _holds(world, "a", {"key": "1"}), seconds=5)
    await world.client.delete(CONFIG_MAP, world.namespace, "b")
    deleted = await eventually(lambda: _holds(world, "b", {}), seconds=5)
    assert max(edited, deleted) < 2.5, f"edit {edited:.2f} s, delete {deleted:.2f} s"
    await world.ready(KUSTOMIZATION, "web")


async def _holds(world: World, name: str, data: dict[str, str]) -> bool:
    return await data_of(world, name) == data


async def test_foreign_fields_and_labels_are_left_alone(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1")})
    await started(world, repository)
    patch = {"metadata": {"labels": {"theirs": "x"}}, "data": {"other": "y"}}
    await world.client.patch(CONFIG_MAP, world.namespace, "a", patch, params={"fieldManager": "somebody"})
    await world.request(KUSTOMIZATION, "web")
    await asyncio.sleep(1.5)
    found = await world.get(CONFIG_MAP, "a")
    assert found["data"] == {"key": "1", "other": "y"}
    assert found["metadata"]["labels"]["theirs"] == "x"


async def test_a_reconcile_in_which_nothing_changed_writes_nothing(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({f"{n}.yaml": config_map(f"c{n}", key="1") for n in range(10)})
    await started(world, repository)
    await world.change(KUSTOMIZATION, "web", interval="1s")
    await world.ready(KUSTOMIZATION, "web")
    await asyncio.sleep(0.5)

    program = controllers.kustomize
    labels = {"name": "web", "namespace": world.namespace, "kind": "Kustomization"}

    def counts() -> tuple[float, float, float]:
        passes = program.metric("gotk_reconcile_duration_seconds_count", **labels)
        writes = sum(
            program.metric("rest_client_requests_total", method=m) for m in ("PATCH", "POST", "PUT", "DELETE")
        )
        return passes, writes, program.metric("rest_client_requests_total", method="GET")

    before = counts()
    await eventually(lambda: _true(counts()[0] >= before[0] + 3), seconds=10)
    after = counts()
    assert after[1] - before[1] == 0, "a no-op reconcile wrote something"
    assert after[2] - before[2] <= 3 * (after[0] - before[0]), "a no-op reconcile read more than a handful"


async def _true(value: bool) -> bool:
    return value


async def test_a_definition_and_its_objects_in_one_commit(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    group = f"{world.namespace}.example.com"
    crd = {
        "group": group,
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    }
    repository.commit(
        {
            "crd.yaml": manifest(
                "apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}", spec=crd
            ),
            "widget.yaml": manifest(f"{group}/v1", "Widget", "one", spec={"size": 1}),
        }
    )
    await started(world, repository)
    found = await world.find(f"{group}/v1", "Widget", "one")
    assert found is not None
    assert found["spec"] == {"size": 1}


async def test_dependencies_wait_for_each_other(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"base/a.yaml": config_map("a"), "app/b.yaml": config_map("b")})
    await world.git_repository(url=repository.url, ref={"branch": "main"})
    await world.kustomization(
        "app", path="./app", targetNamespace=world.namespace, dependsOn=[{"name": "base"}]
    )
    ks = await world.failing(KUSTOMIZATION, "app", "DependencyNotReady")
    assert f"{world.namespace}/base" in condition(ks, "Ready")["message"]
    assert await data_of(world, "b") is None
    await world.kustomization("base", path="./base", targetNamespace=world.namespace)
    await world.ready(KUSTOMIZATION, "app")


async def test_variables_are_substituted(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="${one}-${two:=default}", raw="$${kept}")})
    await world.client.create(
        CONFIG_MAP,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "vars", "namespace": world.namespace},
            "data": {"one": "1"},
        },
    )
    await started(world, repository, postBuild={"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]})
    assert await data_of(world, "a") == {"key": "1-default", "raw": "${kept}"}


async def test_suspended_objects_are_left_alone_and_resume(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1")})
    await started(world, repository)
    await world.change(KUSTOMIZATION, "web", suspend=True)
    token = await world.request(KUSTOMIZATION, "web")
    await world.until(KUSTOMIZATION, "web", lambda obj: obj["status"].get("lastHandledReconcileAt") == token)
    await world.client.delete(CONFIG_MAP, world.namespace, "a")
    await asyncio.sleep(1.0)
    assert await data_of(world, "a") is None
    await world.change(KUSTOMIZATION, "web", suspend=False)
    await eventually(lambda: _holds(world, "a", {"key": "1"}))


async def test_deleting_a_kustomization_prunes_what_it_applied(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    repository.commit({"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    await started(world, repository)
    await world.client.delete(KUSTOMIZATION, world.namespace, "web")
    await world.gone(KUSTOMIZATION.api_version, "Kustomization", "web")
    assert [await data_of(world, name) for name in "ab"] == [None, None]


@pytest.mark.parametrize("spec", [{"deletionPolicy": "Orphan"}, {"prune": False}], ids=str)
async def test_a_kustomization_can_leave_its_objects_behind(
    world: World, controllers: Controllers, repository: Repository, spec: dict[str, object]
) -> None:
    repository.commit({"a.yaml": config_map("a", key="1")})
    await started(world, repository, **spec)
    await world.client.delete(KUSTOMIZATION, world.namespace, "web")
    await world.gone(KUSTOMIZATION.api_version, "Kustomization", "web")
    assert await data_of(world, "a") == {"key": "1"}


async def test_an_object_that_opted_out_is_not_pruned(
    world: World, controllers: Controllers, repository: Repository
) -> None:
    keep = manifest("v1", "ConfigMap", "keep", annotations={"kustomize.toolkit.fluxcd.io/prune": "disabled"})
    repository.commit({"a.yaml": config_map("a"), "keep.yaml": keep})
    await started(world, repository)
    revision = await pushed(world, repository, remove=("keep.yaml",))
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert await data_of(world, "keep") is not None
