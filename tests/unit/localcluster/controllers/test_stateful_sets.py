"""StatefulSets and DaemonSets, as who watches them sees them."""

from __future__ import annotations

from typing import Any

from tests.unit.localcluster.controllers.conftest import Simulation
from tests.unit.localcluster.controllers.manifests import (
    CLAIM,
    DAEMON_SET,
    POD,
    STATEFUL_SET,
    template,
    workload,
)

DATA = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def rolled_out(count: int) -> Any:
    def holds(obj: dict[str, Any]) -> bool:
        status = obj.get("status", {})
        return (
            status.get("observedGeneration") == obj["metadata"]["generation"]
            and status.get("updatedReplicas", 0) == status.get("readyReplicas", 0) == count
            and status.get("currentRevision") == status.get("updateRevision")
        )

    return holds


def daemon_ready(obj: dict[str, Any]) -> bool:
    status = obj.get("status", {})
    wanted = status.get("desiredNumberScheduled")
    return (
        status.get("observedGeneration") == obj["metadata"]["generation"]
        and wanted == status.get("numberReady") == status.get("updatedNumberScheduled", 0)
        and wanted is not None
    )


async def test_pods_come_in_order_each_with_its_claim(simulation: Simulation) -> None:
    await simulation.api.create(
        workload(STATEFUL_SET, "db", replicas=3, serviceName="db", volumeClaimTemplates=[DATA])
    )
    orders = []

    async def done() -> bool:
        orders.append([pod["status"].get("phase") for pod in await simulation.list(POD)])
        return rolled_out(3)(await simulation.see(STATEFUL_SET, "db"))

    await simulation.until(done)

    assert await simulation.names(POD) == ["db-0", "db-1", "db-2"]
    assert await simulation.names(CLAIM) == ["data-db-0", "data-db-1", "data-db-2"]
    assert all(set(phases[:-1]) <= {"Running"} for phases in orders)
    pod = (await simulation.list(POD))[1]
    assert pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "db-1"
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-1", "db")


async def test_claims_survive_their_pods(simulation: Simulation) -> None:
    await simulation.api.create(workload(STATEFUL_SET, "db", replicas=2, volumeClaimTemplates=[DATA]))
    await simulation.see(STATEFUL_SET, "db", rolled_out(2))
    before = await simulation.list(CLAIM)

    await simulation.edit(STATEFUL_SET, "db", lambda obj: obj["spec"].update(replicas=1))

    async def one_left() -> bool:
        return await simulation.names(POD) == ["db-0"]

    await simulation.until(one_left)
    assert await simulation.list(CLAIM) == before


async def test_an_update_replaces_every_pod(simulation: Simulation) -> None:
    await simulation.api.create(workload(STATEFUL_SET, "db", replicas=2))
    await simulation.see(STATEFUL_SET, "db", rolled_out(2))
    new = template("example.com/app:2")

    await simulation.edit(STATEFUL_SET, "db", lambda obj: obj["spec"].update(template=new))
    await simulation.see(STATEFUL_SET, "db", rolled_out(2))

    images = [pod["spec"]["containers"][0]["image"] for pod in await simulation.list(POD)]
    assert images == ["example.com/app:2"] * 2
    revisions = await simulation.list(("apps/v1", "ControllerRevision"))
    assert sorted(each["revision"] for each in revisions) == [1, 2]


async def test_a_partition_holds_the_lower_pods_back(simulation: Simulation) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    await simulation.api.create(workload(STATEFUL_SET, "db", replicas=2, updateStrategy=strategy))
    await simulation.see(STATEFUL_SET, "db", rolled_out(2))
    new = template("example.com/app:2")
    await simulation.edit(STATEFUL_SET, "db", lambda obj: obj["spec"].update(template=new))

    await simulation.see(
        STATEFUL_SET,
        "db",
        lambda obj: obj["status"].get("updatedReplicas") == 1 and obj["status"].get("readyReplicas") == 2,
    )

    images = [pod["spec"]["containers"][0]["image"] for pod in await simulation.list(POD)]
    assert images == ["example.com/app:1", "example.com/app:2"]


async def test_a_daemon_runs_on_the_node(simulation: Simulation) -> None:
    await simulation.api.create(workload(DAEMON_SET, "agent"))
    await simulation.see(DAEMON_SET, "agent", daemon_ready)
    [before] = await simulation.list(POD)

    await simulation.edit(
        DAEMON_SET, "agent", lambda obj: obj["spec"].update(template=template("example.com/app:2"))
    )
    await simulation.see(DAEMON_SET, "agent", daemon_ready)
    [after] = await simulation.list(POD)

    assert after["spec"]["containers"][0]["image"] == "example.com/app:2"
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


async def test_a_daemon_for_another_kind_of_node_runs_nowhere(simulation: Simulation) -> None:
    elsewhere = template(nodeSelector={"kubernetes.io/os": "windows"})
    await simulation.api.create(workload(DAEMON_SET, "agent", template=elsewhere))

    agent = await simulation.see(DAEMON_SET, "agent", daemon_ready)

    assert agent["status"]["desiredNumberScheduled"] == 0
    assert await simulation.list(POD) == []


async def test_pods_that_cannot_be_made_yet_are_tried_again(simulation: Simulation) -> None:
    late = template(serviceAccountName="late")
    await simulation.api.create(workload(STATEFUL_SET, "db", replicas=1, template=late))
    await simulation.api.create(workload(DAEMON_SET, "agent", template=late))
    await simulation.see(STATEFUL_SET, "db", lambda obj: "observedGeneration" in obj.get("status", {}))
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    await simulation.api.create({**account, "metadata": {"name": "late", "namespace": "default"}})

    await simulation.see(STATEFUL_SET, "db", rolled_out(1))
    await simulation.see(DAEMON_SET, "agent", lambda obj: daemon_ready(obj) and obj["status"]["numberReady"])
