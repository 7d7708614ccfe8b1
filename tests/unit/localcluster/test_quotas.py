"""ResourceQuotas and LimitRanges, by their effects and in the words of the genuine server."""

import asyncio
from typing import Any

import pytest

from tests.fakes.localcluster_server import MERGE, Reply, RunningCluster, config_map

TEAM = "/api/v1/namespaces/team"


async def _team(cluster: RunningCluster) -> None:
    await cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})
    await cluster.until(f"{TEAM}/serviceaccounts/default")
    await cluster.until(f"{TEAM}/configmaps/kube-root-ca.crt")


async def _quota(cluster: RunningCluster, hard: dict[str, str], **spec: Any) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}}
    assert (await cluster.request("POST", f"{TEAM}/resourcequotas", quota)).status == 201


async def _used(cluster: RunningCluster, **wanted: str) -> None:
    """Wait until the quota's status says so."""
    async with asyncio.timeout(5):
        while True:
            quota = (await cluster.request("GET", f"{TEAM}/resourcequotas/q")).body
            used = quota.get("status", {}).get("used", {})
            if {name: used.get(name) for name in wanted} == wanted:
                return
            await asyncio.sleep(0.01)


async def _pod(cluster: RunningCluster, name: str, *, spec: dict | None = None, **resources: Any) -> Reply:
    container = {"name": "c", "image": "i", "resources": resources}
    pod = {
        "metadata": {"name": name},
        "spec": {"schedulerName": "nobody", "containers": [container], **(spec or {})},
    }
    return await cluster.request("POST", f"{TEAM}/pods", pod)


async def test_objects_are_counted(cluster: RunningCluster) -> None:
    await _team(cluster)
    await _quota(cluster, {"count/configmaps": "2"})
    assert (await cluster.request("POST", f"{TEAM}/configmaps", config_map("a"))).status == 201
    refused = await cluster.request("POST", f"{TEAM}/configmaps", config_map("b"))
    assert (refused.status, refused.body["reason"]) == (403, "Forbidden")
    assert refused.body["message"] == (
        'configmaps "b" is forbidden: exceeded quota: q, requested: count/configmaps=1, '
        "used: count/configmaps=2, limited: count/configmaps=2"
    )
    changed = await cluster.request("PATCH", f"{TEAM}/configmaps/a", {"data": {"x": "1"}}, content=MERGE)
    assert changed.status == 200
    await cluster.request("DELETE", f"{TEAM}/configmaps/a")
    assert (await cluster.request("POST", f"{TEAM}/configmaps", config_map("b"))).status == 201
    await _used(cluster, **{"count/configmaps": "2"})


async def test_requests_and_limits_are_summed_up(cluster: RunningCluster) -> None:
    await _team(cluster)
    await _quota(cluster, {"requests.cpu": "1", "limits.memory": "1Gi", "pods": "9"})
    assert (await _pod(cluster, "a", requests={"cpu": "600m"}, limits={"memory": "512Mi"})).status == 201
    await _used(cluster, **{"requests.cpu": "600m", "limits.memory": "512Mi", "pods": "1"})
    refused = await _pod(cluster, "b", requests={"cpu": "500m"}, limits={"memory": "512Mi"})
    assert refused.body["message"] == (
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, '
        "used: requests.cpu=600m, limited: requests.cpu=1"
    )
    assert (await _pod(cluster, "b", requests={"cpu": "400m"}, limits={"memory": "512Mi"})).status == 201


async def test_a_quota_on_cpu_demands_that_containers_say_what_they_want(cluster: RunningCluster) -> None:
    await _team(cluster)
    await _quota(cluster, {"requests.cpu": "1", "limits.memory": "1Gi"})
    refused = await _pod(cluster, "a")
    assert refused.body["message"] == (
        'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c'
    )


async def test_pods_that_have_ended_use_nothing(cluster: RunningCluster) -> None:
    await _team(cluster)
    await _quota(cluster, {"pods": "1"})
    await _pod(cluster, "a")
    assert (await _pod(cluster, "b")).status == 403
    ended = {"status": {"phase": "Succeeded"}}
    await cluster.request("PATCH", f"{TEAM}/pods/a/status", ended, content=MERGE)
    assert (await _pod(cluster, "b")).status == 201


@pytest.mark.parametrize(
    ("scope", "free"),
    [("NotBestEffort", {}), ("BestEffort", {"requests": {"cpu": "1"}})],
    ids=["not best effort", "best effort"],
)
async def test_a_scope_leaves_other_pods_alone(cluster: RunningCluster, scope: str, free: dict) -> None:
    await _team(cluster)
    await _quota(cluster, {"pods": "0"}, scopes=[scope])
    bound = {} if free else {"requests": {"cpu": "1"}}
    assert (await _pod(cluster, "free", **free)).status == 201
    assert (await _pod(cluster, "bound", **bound)).status == 403


async def test_claims_and_services(cluster: RunningCluster) -> None:
    await _team(cluster)
    hard = {
        "requests.storage": "1Gi",
        "services.nodeports": "1",
        "fast.storageclass.storage.k8s.io/requests.storage": "0",
    }
    await _quota(cluster, hard)
    for name, size, storage_class, status in (
        ("a", "1Gi", "slow", 201),
        ("b", "1", "slow", 403),
        ("c", "1", "fast", 403),
    ):
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "storageClassName": storage_class,
        }
        claim = {"metadata": {"name": name}, "spec": spec}
        assert (await cluster.request("POST", f"{TEAM}/persistentvolumeclaims", claim)).status == status
    for name, status in (("a", 201), ("b", 403)):
        service = {"metadata": {"name": name}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
        assert (await cluster.request("POST", f"{TEAM}/services", service)).status == status


async def _limit(cluster: RunningCluster, **limit: Any) -> None:
    body = {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", **limit}]}}
    made = await cluster.request("POST", f"{TEAM}/limitranges", body)
    assert made.status == 201, made.body


async def test_containers_get_the_defaults_of_their_namespace(cluster: RunningCluster) -> None:
    await _team(cluster)
    await _limit(cluster, default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "500m"})
    made = (await _pod(cluster, "a", limits={"memory": "2Gi"})).body
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"memory": "2Gi", "cpu": "1"},
        "requests": {"memory": "2Gi", "cpu": "500m"},
    }
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    )


@pytest.mark.parametrize(
    ("limit", "resources", "why"),
    [
        pytest.param(
            {"min": {"cpu": "200m"}},
            {"requests": {"cpu": "100m"}},
            "minimum cpu usage per Container is 200m, but request is 100m",
            id="request too small",
        ),
        pytest.param(
            {"max": {"memory": "1Gi"}},
            {"limits": {"memory": "2Gi"}},
            "maximum memory usage per Container is 1Gi, but limit is 2Gi",
            id="limit too big",
        ),
        pytest.param(
            {"type": "Pod", "max": {"cpu": "1"}},
            {},
            "maximum cpu usage per Pod is 1.  No limit is specified",
            id="nothing said",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
            id="ratio",
        ),
    ],
)
async def test_bounds(cluster: RunningCluster, limit: dict, resources: dict, why: str) -> None:
    await _team(cluster)
    await _limit(cluster, **limit)
    refused = await _pod(cluster, "a", **resources)
    assert (refused.status, refused.body["message"]) == (403, f'pods "a" is forbidden: {why}')
