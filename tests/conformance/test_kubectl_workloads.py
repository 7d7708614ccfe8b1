"""Genuine kubectl against the simulated workloads: rollouts, scaling, jobs, deletion."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from tests.conformance.genuine import WEB, Client, eventually

pytestmark = pytest.mark.kubectl


def test_patch_of_a_subresource(web: Client) -> None:
    web.run(
        "patch", "deployment", "web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":1}}'
    )

    assert web.json("get", "deployment", "web")["spec"]["replicas"] == 1


def test_a_rollout_is_followed_undone_and_restarted(web: Client) -> None:
    web.run("set", "image", "deployment/web", "app=example.com/web:2")
    followed = web.run("rollout", "status", "deployment/web", "--timeout=20s")
    history = web.run("rollout", "history", "deployment/web")
    web.run("rollout", "undo", "deployment/web")
    web.run("rollout", "status", "deployment/web", "--timeout=20s")
    undone = web.json("get", "deployment", "web")
    web.run("rollout", "restart", "deployment/web")
    web.run("rollout", "status", "deployment/web", "--timeout=20s")

    assert "successfully rolled out" in followed
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    assert undone["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/web:1"
    assert undone["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert len(web.json("get", "replicasets")["items"]) == 3


def test_a_paused_rollout_waits(web: Client) -> None:
    web.run("rollout", "pause", "deployment/web")
    web.run("set", "image", "deployment/web", "app=example.com/web:2")
    web.run("scale", "deployment/web", "--replicas=3")
    web.run("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=20s")
    paused = web.json("get", "replicasets")["items"]
    web.run("rollout", "resume", "deployment/web")
    web.run("rollout", "status", "deployment/web", "--timeout=20s")

    assert len(paused) == 1
    assert web.json("get", "deployment", "web")["status"]["updatedReplicas"] == 3


def test_a_rollout_that_hangs_fails_at_its_deadline(web: Client) -> None:
    web.run("patch", "deployment", "web", "-p", '{"spec":{"progressDeadlineSeconds":1}}')
    broken = {"localcluster.headwater.dev/fail": "CrashLoopBackOff"}
    patch = {"spec": {"template": {"metadata": {"annotations": broken}}}}
    web.run("patch", "deployment", "web", "-p", json.dumps(patch))

    told = web.run("rollout", "status", "deployment/web", "--timeout=20s", fails=True)

    assert "exceeded its progress deadline" in told
    assert "CrashLoopBackOff" in web.run("get", "pods")
    assert web.json("get", "deployment", "web")["status"]["availableReplicas"] == 2


@pytest.mark.parametrize("kind", ["statefulset", "daemonset"])
def test_rollouts_of_the_other_workloads(kubectl: Client, kind: str) -> None:
    manifest = yaml.safe_load(WEB)
    manifest["kind"] = {"statefulset": "StatefulSet", "daemonset": "DaemonSet"}[kind]
    if kind == "daemonset":
        del manifest["spec"]["replicas"]
    kubectl.run("create", "-f", "-", stdin=json.dumps(manifest))
    kubectl.run("rollout", "status", f"{kind}/web", "--timeout=20s")
    kubectl.run("set", "image", f"{kind}/web", "app=example.com/web:2")
    kubectl.run("rollout", "status", f"{kind}/web", "--timeout=20s")
    kubectl.run("rollout", "undo", f"{kind}/web")
    kubectl.run("rollout", "status", f"{kind}/web", "--timeout=20s")

    images = {pod["spec"]["containers"][0]["image"] for pod in kubectl.json("get", "pods")["items"]}
    assert images == {"example.com/web:1"}


def test_scale_and_autoscale(web: Client) -> None:
    web.run("scale", "deployment/web", "--replicas=5")
    web.run("autoscale", "deployment", "web", "--min=1", "--max=3")

    eventually(lambda: web.json("get", "deployment", "web")["spec"]["replicas"] == 3)
    web.run("wait", "hpa/web", "--for=condition=ScalingActive", "--timeout=20s")
    eventually(lambda: len(web.json("get", "pods")["items"]) == 3)


def test_wait_for_conditions_fields_and_deletion(web: Client) -> None:
    web.run("wait", "deployment/web", "--for=condition=Available", "--timeout=20s")
    web.run("wait", "pods", "-l", "app=web", "--for=jsonpath={.status.phase}=Running", "--timeout=20s")
    web.run("delete", "deployment", "web", "--wait=false")

    web.run("wait", "deployments,replicasets,pods", "-l", "app=web", "--for=delete", "--timeout=20s")


def test_run_expose_and_describe(web: Client) -> None:
    web.run("run", "box", "--image=example.com/box", "--labels=app=web", "--port=8080")
    web.run("wait", "pod/box", "--for=condition=Ready", "--timeout=20s")
    web.run("expose", "deployment", "web", "--port=80", "--target-port=http")

    eventually(lambda: web.run("get", "endpoints", "web").count(":8080") == 3)
    described = web.run("describe", "service", "web")
    assert "TargetPort:               http/TCP" in described
    assert "Replicas:               2 desired | 2 updated | 2 total | 2 available" in web.run(
        "describe", "deployment", "web"
    )
    assert "localcluster-node" in web.run("describe", "pod", "box")


def test_jobs_run_to_their_end(kubectl: Client) -> None:
    kubectl.run("create", "job", "once", "--image=example.com/job")
    kubectl.run("create", "cronjob", "nightly", "--image=example.com/job", "--schedule=0 3 * * *")
    kubectl.run("create", "job", "now", "--from=cronjob/nightly")
    kubectl.run("wait", "job/once", "job/now", "--for=condition=Complete", "--timeout=20s")

    assert kubectl.json("get", "job", "once")["status"]["succeeded"] == 1
    assert kubectl.json("get", "pods")["items"][0]["status"]["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("cascade", "left"),
    [("background", []), ("foreground", []), ("orphan", ["pod", "pod", "replicaset.apps"])],
)
def test_delete_with_each_cascade(web: Client, cascade: str, left: list[str]) -> None:
    web.run("delete", "deployment", "web", f"--cascade={cascade}", "--timeout=20s")

    def remaining() -> list[str]:
        names = web.run("get", "deployments,replicasets,pods", "-o", "name", "--ignore-not-found").split()
        return sorted(name.partition("/")[0] for name in names)

    eventually(lambda: remaining() == left)


def test_an_orphaned_replica_set_is_adopted_again(web: Client) -> None:
    before = web.run("get", "replicasets,pods", "-o", "name")
    web.run("delete", "deployment", "web", "--cascade=orphan")
    web.run("apply", "--server-side", "-f", "-", stdin=WEB)
    web.run("rollout", "status", "deployment/web", "--timeout=20s")

    assert web.run("get", "replicasets,pods", "-o", "name") == before


@pytest.mark.parametrize(
    "command",
    [("exec", "box", "--", "ls"), ("cp", "box:/etc/hosts", "hosts"), ("port-forward", "box", ":80")],
)
def test_what_needs_a_running_container_is_refused(kubectl: Client, command: tuple[str, ...]) -> None:
    kubectl.run("run", "box", "--image=example.com/box")
    kubectl.run("wait", "pod/box", "--for=condition=Ready", "--timeout=20s")
    began = time.monotonic()

    told = kubectl.run(*command, fails=True)

    assert time.monotonic() - began < 10
    assert "not" in told or "unable" in told
    assert kubectl.run("logs", "box") == ""


def test_eviction_heeds_disruption_budgets(web: Client) -> None:
    web.run("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=2")
    eventually(lambda: web.json("get", "pdb", "web").get("status", {}).get("currentHealthy") == 2)

    told = web.run("drain", "localcluster-node", "--pod-selector=app=web", "--timeout=2s", fails=True)
    web.run("uncordon", "localcluster-node")

    assert "Cannot evict pod as it would violate the pod's disruption budget" in told
