"""Claims, Services, entrances, autoscalers and disruption budgets, as who watches them sees them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.localcluster.controllers.conftest import Simulation
from tests.unit.localcluster.controllers.manifests import (
    CLAIM,
    DEPLOYMENT,
    POD,
    SERVICE,
    VOLUME,
    condition,
    make,
    template,
    workload,
)

SLICE = ("discovery.k8s.io/v1", "EndpointSlice")
ENDPOINTS = ("v1", "Endpoints")
INGRESS = ("networking.k8s.io/v1", "Ingress")
AUTOSCALER = ("autoscaling/v2", "HorizontalPodAutoscaler")
BUDGET = ("policy/v1", "PodDisruptionBudget")


def claim(name: str = "data", *, annotations: Any = (), **spec: Any) -> dict[str, Any]:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return make(CLAIM, name, wanted, **dict(annotations))


def volume(name: str, size: str, **spec: Any) -> dict[str, Any]:
    wanted = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/v"},
        "persistentVolumeReclaimPolicy": "Retain",
        **spec,
    }
    found = make(VOLUME, name, wanted)
    del found["metadata"]["namespace"]
    return found


def bound(obj: dict[str, Any]) -> bool:
    return bool(obj["status"].get("phase") == "Bound")


async def test_a_claim_gets_a_volume_made_for_it(simulation: Simulation) -> None:
    await simulation.api.create(claim(storageClassName="fast"))

    found = await simulation.see(CLAIM, "data", bound)

    made = await simulation.api.get(*VOLUME, found["spec"]["volumeName"])
    assert made is not None
    assert found["status"]["capacity"] == {"storage": "1Gi"}
    assert made["spec"]["claimRef"]["uid"] == found["metadata"]["uid"]
    assert made["spec"]["storageClassName"] == "fast"
    assert made["status"]["phase"] == "Bound"


async def test_a_volume_goes_with_its_claim_or_is_released(simulation: Simulation) -> None:
    await simulation.api.create(volume("kept", "2Gi"))
    await simulation.api.create(claim("static", storageClassName=""))
    await simulation.api.create(claim("dynamic"))
    made = (await simulation.see(CLAIM, "dynamic", bound))["spec"]["volumeName"]
    assert (await simulation.see(CLAIM, "static", bound))["spec"]["volumeName"] == "kept"
    for name in ("static", "dynamic"):
        await simulation.api.delete(*CLAIM, name, "default")

    async def settled() -> bool:
        kept = await simulation.api.get(*VOLUME, "kept")
        assert kept is not None
        return kept["status"]["phase"] == "Released" and await simulation.api.get(*VOLUME, made) is None

    await simulation.until(settled)


async def test_the_smallest_volume_that_fits_is_taken(simulation: Simulation) -> None:
    for name, size in (("small", "500Mi"), ("large", "5Gi"), ("medium", "2Gi")):
        await simulation.api.create(volume(name, size))
    await simulation.api.create(claim(storageClassName=""))

    assert (await simulation.see(CLAIM, "data", bound))["spec"]["volumeName"] == "medium"


@pytest.mark.parametrize(
    "pending",
    [
        pytest.param(claim(annotations={"fail": "never-ready"}), id="told to fail"),
        pytest.param(claim(storageClassName=""), id="no volume is there"),
    ],
)
async def test_a_claim_that_stays_pending(simulation: Simulation, pending: dict[str, Any]) -> None:
    await simulation.api.create(pending)
    await simulation.api.create(claim("other"))
    await simulation.see(CLAIM, "other", bound)

    assert (await simulation.see(CLAIM, "data"))["status"]["phase"] == "Pending"


async def test_a_pod_waits_for_its_claim_and_a_late_claim_for_its_pod(simulation: Simulation) -> None:
    late = make(("storage.k8s.io/v1", "StorageClass"), "late", {})
    del late["spec"], late["metadata"]["namespace"]
    await simulation.api.create(
        late | {"provisioner": "example.com/disk", "volumeBindingMode": "WaitForFirstConsumer"}
    )
    await simulation.api.create(claim(storageClassName="late"))
    await simulation.see(CLAIM, "data", lambda obj: obj["status"].get("phase") == "Pending")
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]

    await simulation.api.create(make(POD, "box", template(volumes=volumes)["spec"]))

    await simulation.see(POD, "box", lambda obj: condition(obj, "Ready")["status"] == "True")
    assert bound(await simulation.see(CLAIM, "data"))


async def test_endpoints_follow_the_pods(simulation: Simulation) -> None:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    await simulation.api.create(make(SERVICE, "web", {"selector": {"app": "web"}, "ports": ports}))
    pod = template()
    pod["spec"]["containers"][0]["ports"] = [{"name": "web", "containerPort": 8080}]
    await simulation.api.create(workload(DEPLOYMENT, replicas=2, template=pod))

    async def both_ready() -> bool:
        slices = await simulation.list(SLICE, "kubernetes.io/service-name=web")
        endpoints = slices[0].get("endpoints") or [] if slices else []
        return len(endpoints) == 2 and all(each["conditions"]["ready"] for each in endpoints)

    await simulation.until(both_ready)
    [found] = await simulation.list(SLICE)
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    [subset] = (await simulation.see(ENDPOINTS, "web"))["subsets"]
    pods = {pod["status"]["podIP"]: pod["metadata"]["name"] for pod in await simulation.list(POD)}
    assert {each["ip"]: each["targetRef"]["name"] for each in subset["addresses"]} == pods

    await simulation.edit(DEPLOYMENT, "web", lambda obj: obj["spec"].update(replicas=0))
    await simulation.see(ENDPOINTS, "web", lambda obj: "subsets" not in obj)


async def test_endpoints_go_with_their_service(simulation: Simulation) -> None:
    await simulation.api.create(make(SERVICE, "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]}))
    await simulation.see(ENDPOINTS, "web")
    await simulation.api.delete(*SERVICE, "web", "default")

    async def gone() -> bool:
        return not await simulation.names(ENDPOINTS) and not await simulation.names(SLICE)

    await simulation.until(gone)


@pytest.mark.parametrize(
    ("kind", "spec", "network"),
    [
        (SERVICE, {"type": "LoadBalancer", "ports": [{"port": 80}]}, "198.51.100."),
        (INGRESS, {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}, "203.0.113."),
    ],
    ids=["service", "ingress"],
)
async def test_entrances_get_an_address(
    simulation: Simulation, kind: tuple[str, str], spec: dict[str, Any], network: str
) -> None:
    await simulation.api.create(make(kind, "web", spec))
    await simulation.api.create(make(kind, "never", spec, fail="never-ready"))

    found = await simulation.see(kind, "web", lambda obj: obj.get("status", {}).get("loadBalancer"))

    assert found["status"]["loadBalancer"]["ingress"][0]["ip"].startswith(network)
    assert not (await simulation.see(kind, "never"))["status"].get("loadBalancer")


@pytest.mark.parametrize(("replicas", "kept"), [(1, 2), (3, 3), (9, 4), (0, 0)])
async def test_an_autoscaler_keeps_its_bounds(simulation: Simulation, replicas: int, kept: int) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    await simulation.api.create(
        make(AUTOSCALER, "web", {"minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": reference})
    )
    await simulation.see(AUTOSCALER, "web", lambda obj: condition(obj, "AbleToScale")["status"] == "False")
    await simulation.api.create(workload(DEPLOYMENT, replicas=replicas))

    found = await simulation.see(
        AUTOSCALER,
        "web",
        lambda obj: (
            obj.get("status", {}).get("currentReplicas", 0) == kept
            and condition(obj, "AbleToScale")["status"] == "True"
        ),
    )

    assert found["status"]["desiredReplicas"] == kept
    assert condition(found, "ScalingActive")["status"] == ("True" if kept else "False")


@pytest.mark.parametrize(
    ("spec", "allowed", "desired"),
    [
        ({"minAvailable": 3}, 1, 3),
        ({"minAvailable": "50%"}, 2, 2),
        ({"maxUnavailable": 1}, 1, 3),
        ({"minAvailable": "100%"}, 0, 4),
    ],
    ids=str,
)
async def test_a_budget_counts_healthy_pods(
    simulation: Simulation, spec: dict[str, Any], allowed: int, desired: int
) -> None:
    await simulation.api.create(make(BUDGET, "web", {"selector": {"matchLabels": {"app": "web"}}, **spec}))
    await simulation.api.create(workload(DEPLOYMENT, replicas=4))

    found = await simulation.see(BUDGET, "web", lambda obj: obj.get("status", {}).get("currentHealthy") == 4)

    status = found["status"]
    assert (status["disruptionsAllowed"], status["desiredHealthy"], status["expectedPods"]) == (
        allowed,
        desired,
        4,
    )
    assert condition(found, "DisruptionAllowed")["status"] == ("True" if allowed else "False")
