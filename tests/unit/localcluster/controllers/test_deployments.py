"""Deployments from creation to rollback, as who watches them sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.localcluster.controllers.conftest import Simulation
from tests.unit.localcluster.controllers.manifests import (
    DEPLOYMENT,
    POD,
    REPLICA_SET,
    condition,
    template,
    workload,
)

REVISION = "deployment.kubernetes.io/revision"


def ready(count: int) -> Any:
    def holds(obj: dict[str, Any]) -> bool:
        status = obj.get("status", {})
        return (
            status.get("observedGeneration") == obj["metadata"]["generation"]
            and status.get("updatedReplicas", 0) == status.get("availableReplicas", 0) == count
            and status.get("replicas", 0) == count
        )

    return holds


async def test_becomes_available_with_all_that_it_reports(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=2))

    web = await simulation.see(DEPLOYMENT, "web", ready(2))

    available, progressing = condition(web, "Available"), condition(web, "Progressing")
    assert (available["status"], available["reason"]) == ("True", "MinimumReplicasAvailable")
    assert (progressing["status"], progressing["reason"]) == ("True", "NewReplicaSetAvailable")
    assert web["status"]["readyReplicas"] == 2
    assert web["metadata"]["annotations"][REVISION] == "1"
    assert web["metadata"]["generation"] == 1


async def test_what_it_makes_is_owned_and_labelled(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=1))
    await simulation.see(DEPLOYMENT, "web", ready(1))

    [replica_set] = await simulation.list(REPLICA_SET)
    [pod] = await simulation.list(POD)
    mark = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{mark}"
    assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": mark}
    assert pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
    assert pod["spec"]["nodeName"] == "localcluster-node"
    assert condition(pod, "Ready")["status"] == "True"
    assert pod["status"]["podIP"].startswith("10.244.")


async def test_controllers_own_what_they_write(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=1))
    web = await simulation.see(DEPLOYMENT, "web", ready(1))
    [pod] = await simulation.list(POD)

    def writers(obj: dict[str, Any]) -> set[tuple[str, str]]:
        return {(each["manager"], each.get("subresource", "")) for each in obj["metadata"]["managedFields"]}

    assert writers(web) == {("tester", ""), ("kube-controller-manager", "status")}
    assert writers(pod) == {("kube-controller-manager", ""), ("kubelet", "status")}


async def test_an_update_rolls_and_an_undo_numbers_the_old_set_anew(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=3))
    first = await simulation.see(DEPLOYMENT, "web", ready(3))

    def use(image: str) -> Any:
        return lambda obj: obj["spec"]["template"]["spec"]["containers"][0].update(image=image)

    await simulation.edit(DEPLOYMENT, "web", use("example.com/app:2"))
    await simulation.see(
        DEPLOYMENT, "web", lambda obj: ready(3)(obj) and obj["metadata"]["annotations"][REVISION] == "2"
    )
    await simulation.edit(DEPLOYMENT, "web", use("example.com/app:1"))
    await simulation.see(
        DEPLOYMENT, "web", lambda obj: ready(3)(obj) and obj["metadata"]["annotations"][REVISION] == "3"
    )

    sets = {each["metadata"]["annotations"][REVISION]: each for each in await simulation.list(REPLICA_SET)}
    assert sorted(sets) == ["2", "3"]
    assert sets["3"]["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    assert sets["3"]["spec"]["replicas"] == 3
    assert first["metadata"]["uid"] == sets["2"]["metadata"]["ownerReferences"][0]["uid"]


async def test_history_beyond_the_limit_is_forgotten(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=1, revisionHistoryLimit=1))
    for number in range(2, 5):
        await simulation.see(DEPLOYMENT, "web", ready(1))
        await simulation.edit(
            DEPLOYMENT,
            "web",
            lambda obj, number=number: obj["spec"]["template"]["metadata"]["labels"].update(n=str(number)),
        )

    async def only_two() -> bool:
        return len(await simulation.list(REPLICA_SET)) == 2

    await simulation.until(only_two)


@pytest.mark.parametrize("failure", ["CrashLoopBackOff", "ImagePullBackOff", "never-ready", "Unschedulable"])
async def test_a_rollout_that_fails_passes_its_deadline(simulation: Simulation, failure: str) -> None:
    await simulation.api.create(
        workload(DEPLOYMENT, annotations={"fail": failure}, replicas=1, progressDeadlineSeconds=1)
    )

    web = await simulation.see(
        DEPLOYMENT, "web", lambda obj: condition(obj, "Progressing")["status"] == "False"
    )

    assert condition(web, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert condition(web, "Available")["status"] == "False"


async def test_a_workload_recovers_when_the_annotation_is_taken_away(simulation: Simulation) -> None:
    await simulation.api.create(
        workload(DEPLOYMENT, annotations={"fail": "CrashLoopBackOff"}, replicas=1, progressDeadlineSeconds=1)
    )
    await simulation.see(
        DEPLOYMENT, "web", lambda obj: condition(obj, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    )
    await simulation.edit(DEPLOYMENT, "web", lambda obj: obj["metadata"].pop("annotations"))

    web = await simulation.see(DEPLOYMENT, "web", ready(1))
    assert condition(web, "Progressing")["reason"] == "NewReplicaSetAvailable"


async def test_recreate_never_runs_old_and_new_together(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=2, strategy={"type": "Recreate"}))
    await simulation.see(DEPLOYMENT, "web", ready(2))
    await simulation.edit(
        DEPLOYMENT, "web", lambda obj: obj["spec"]["template"]["metadata"]["labels"].update(n="2")
    )
    together = []

    async def done() -> bool:
        marks = {each["metadata"]["labels"]["pod-template-hash"] for each in await simulation.list(POD)}
        together.append(len(marks))
        return bool(await simulation.list(POD, "n=2")) and len(await simulation.list(POD)) == 2

    await simulation.until(done)
    assert max(together) == 1


async def test_min_ready_seconds_delay_availability(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=1, minReadySeconds=2))

    early = await simulation.see(DEPLOYMENT, "web", lambda obj: obj.get("status", {}).get("readyReplicas"))
    assert "availableReplicas" not in early["status"]
    await simulation.see(DEPLOYMENT, "web", ready(1))


async def test_nothing_happens_once_all_is_settled(simulation: Simulation) -> None:
    await simulation.api.create(workload(DEPLOYMENT, replicas=2))
    settled = await simulation.see(DEPLOYMENT, "web", ready(2))

    async def quiet() -> bool:
        nonlocal settled
        before, settled = settled, await simulation.see(DEPLOYMENT, "web")
        return before["metadata"]["resourceVersion"] == settled["metadata"]["resourceVersion"]

    await simulation.until(quiet)
    pods = await simulation.list(POD)
    await simulation.edit(DEPLOYMENT, "web", lambda obj: obj["metadata"].update(labels={"touched": "yes"}))
    again = await simulation.see(DEPLOYMENT, "web", lambda obj: "labels" in obj["metadata"])
    assert await simulation.list(POD) == pods
    assert again["metadata"]["generation"] == settled["metadata"]["generation"]


async def test_what_cannot_be_made_yet_is_tried_again(simulation: Simulation) -> None:
    pod = template(serviceAccountName="late")
    await simulation.api.create(workload(DEPLOYMENT, replicas=1, template=pod))

    async def refused() -> bool:
        found = await simulation.list(REPLICA_SET)
        return bool(found) and condition(found[0], "ReplicaFailure")["reason"] == "FailedCreate"

    await simulation.until(refused)
    await simulation.see(DEPLOYMENT, "web", lambda obj: condition(obj, "ReplicaFailure")["status"] == "True")
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    await simulation.api.create({**account, "metadata": {"name": "late", "namespace": "default"}})

    web = await simulation.see(DEPLOYMENT, "web", ready(1))
    assert condition(web, "ReplicaFailure")["status"] is None
