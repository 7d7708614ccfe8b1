"""Pods by themselves: placed, run, ended, stopped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.localcluster.controllers.conftest import Simulation
from tests.unit.localcluster.controllers.manifests import POD, condition, make


def pod(name: str = "box", *, annotations: Any = (), **spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "example.com/app:1"}]
    return make(POD, name, {"containers": containers, **spec}, **dict(annotations))


def phase(wanted: str) -> Any:
    return lambda obj: obj["status"].get("phase") == wanted


@pytest.mark.parametrize(
    ("spec", "annotations", "expected"),
    [
        pytest.param({}, {}, "Running", id="runs for ever"),
        pytest.param({"restartPolicy": "Never"}, {}, "Succeeded", id="runs once"),
        pytest.param({"restartPolicy": "Never"}, {"fail": "job-fails"}, "Failed", id="runs once, badly"),
        pytest.param(
            {"restartPolicy": "Never"}, {"finish_after": "never"}, "Running", id="runs until it is deleted"
        ),
    ],
)
async def test_where_a_life_leads(
    simulation: Simulation, spec: dict[str, Any], annotations: dict[str, str], expected: str
) -> None:
    await simulation.api.create(pod(annotations=annotations, **spec))

    assert (await simulation.see(POD, "box", phase(expected)))["spec"]["nodeName"] == "localcluster-node"


@pytest.mark.parametrize(
    ("failure", "waiting", "expected"),
    [
        ("CrashLoopBackOff", "CrashLoopBackOff", "Running"),
        ("ImagePullBackOff", "ImagePullBackOff", "Pending"),
    ],
)
async def test_containers_that_fail_say_why(
    simulation: Simulation, failure: str, waiting: str, expected: str
) -> None:
    await simulation.api.create(pod(annotations={"fail": failure}))

    found = await simulation.see(POD, "box", lambda obj: obj["status"].get("containerStatuses"))

    [container] = found["status"]["containerStatuses"]
    assert container["state"]["waiting"]["reason"] == waiting
    assert not container["ready"]
    assert found["status"]["phase"] == expected
    assert condition(found, "Ready")["status"] == "False"


async def test_a_slow_pod_is_seen_being_created(simulation: Simulation) -> None:
    await simulation.api.create(pod(annotations={"ready_after": "600ms"}))

    creating = await simulation.see(POD, "box", lambda obj: obj["status"].get("containerStatuses"))
    ready = await simulation.see(POD, "box", phase("Running"))

    assert creating["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ContainerCreating"
    assert condition(ready, "Ready")["status"] == "True"


@pytest.mark.parametrize(
    "spec", [{"schedulerName": "nobody"}, {"nodeName": "no-such-node"}], ids=["scheduler", "node"]
)
async def test_what_is_somebody_elses_is_left_alone(simulation: Simulation, spec: dict[str, Any]) -> None:
    before = await simulation.api.create(pod("theirs", **spec))
    await simulation.api.create(pod("ours"))
    await simulation.see(POD, "ours", phase("Running"))

    assert await simulation.see(POD, "theirs") == before


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"nodeSelector": {"disk": "fast"}}, "didn't match Pod's node affinity/selector"),
        ({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "none"}}]}, '"none" not found'),
    ],
    ids=["node", "claim"],
)
async def test_a_pod_that_fits_nowhere_says_why(
    simulation: Simulation, spec: dict[str, Any], why: str
) -> None:
    await simulation.api.create(pod(**spec))

    found = await simulation.see(POD, "box", lambda obj: condition(obj, "PodScheduled")["status"])

    assert condition(found, "PodScheduled")["reason"] == "Unschedulable"
    assert why in condition(found, "PodScheduled")["message"]


async def test_a_node_that_changes_takes_waiting_pods(simulation: Simulation) -> None:
    await simulation.api.create(pod(nodeSelector={"disk": "fast"}))
    await simulation.see(POD, "box", lambda obj: condition(obj, "PodScheduled")["status"] == "False")
    node = await simulation.api.get("v1", "Node", "localcluster-node")
    assert node is not None
    node["metadata"]["labels"]["disk"] = "fast"
    await simulation.api.update(node)

    await simulation.see(POD, "box", phase("Running"))


async def test_a_taint_is_heeded_unless_tolerated(simulation: Simulation) -> None:
    node = await simulation.api.get("v1", "Node", "localcluster-node")
    assert node is not None
    node["spec"]["taints"] = [{"key": "only", "value": "me", "effect": "NoSchedule"}]
    await simulation.api.update(node)
    await simulation.api.create(pod("anyone"))
    await simulation.api.create(pod("me", tolerations=[{"key": "only", "operator": "Exists"}]))

    await simulation.see(POD, "me", phase("Running"))
    refused = await simulation.see(POD, "anyone", lambda obj: condition(obj, "PodScheduled")["status"])
    assert "untolerated taint" in condition(refused, "PodScheduled")["message"]


async def test_a_gated_pod_waits_for_its_gates(simulation: Simulation) -> None:
    await simulation.api.create(pod(schedulingGates=[{"name": "example.com/quota"}]))
    gated = await simulation.see(POD, "box", lambda obj: condition(obj, "PodScheduled")["status"] == "False")
    await simulation.edit(POD, "box", lambda obj: obj["spec"].pop("schedulingGates"))

    await simulation.see(POD, "box", phase("Running"))
    assert condition(gated, "PodScheduled")["reason"] == "SchedulingGated"


async def test_readiness_gates_are_others_to_open(simulation: Simulation) -> None:
    await simulation.api.create(pod(readinessGates=[{"conditionType": "example.com/warm"}]))
    running = await simulation.see(POD, "box", phase("Running"))
    running["status"]["conditions"].append({"type": "example.com/warm", "status": "True"})
    await simulation.api.update_status(running)

    ready = await simulation.see(POD, "box", lambda obj: condition(obj, "Ready")["status"] == "True")
    assert condition(running, "Ready")["reason"] == "ReadinessGatesNotReady"
    assert condition(ready, "example.com/warm")["status"] == "True"


async def test_a_deleted_pod_stops_before_it_is_gone(simulation: Simulation) -> None:
    await simulation.api.create(pod())
    await simulation.see(POD, "box", phase("Running"))
    await simulation.api.delete(*POD, "box", "default")
    stopping = await simulation.see(POD, "box")

    async def gone() -> bool:
        return not await simulation.list(POD)

    await simulation.until(gone)
    assert stopping["metadata"]["deletionGracePeriodSeconds"] == 30


@pytest.mark.parametrize(
    ("directed", "reason", "message"),
    [
        ("CrashLoopBackOff", "BackOff", "restarting failed container=app"),
        ("ImagePullBackOff", "BackOff", 'Back-off pulling image "example.com/app:1"'),
        ("Unschedulable", "FailedScheduling", "0/1 nodes are available"),
    ],
)
async def test_what_goes_wrong_is_an_event_once(
    simulation: Simulation, directed: str, reason: str, message: str
) -> None:
    await simulation.api.create(pod(annotations={"fail": directed}))

    async def told() -> bool:
        return bool(await simulation.list(("v1", "Event")))

    await simulation.until(told)
    await simulation.edit(POD, "box", lambda obj: obj["metadata"].update(labels={"touched": "yes"}))
    await simulation.api.create(pod("other"))
    await simulation.see(POD, "other", phase("Running"))

    [event] = await simulation.list(("v1", "Event"))
    assert (event["type"], event["reason"]) == ("Warning", reason)
    assert message in event["message"]
    assert event["involvedObject"]["name"] == "box"
