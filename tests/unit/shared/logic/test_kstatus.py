from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logic.kstatus.compute import assess
from shared.logic.kstatus.health import Assessment, Health, in_progress
from shared.logic.kstatus.workloads import of_newest_revision, with_pods
from shared.model.meta import Object, render_time

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CURRENT, IN_PROGRESS, FAILED = Health.CURRENT, Health.IN_PROGRESS, Health.FAILED


def obj(api: str, kind: str, spec: object = None, status: object = None, **meta: object) -> Object:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": "x", "generation": 2, **meta},
        "spec": spec or {},
        "status": status or {},
    }


def conditions(*given: tuple[str, str, str]) -> Object:
    return {
        "conditions": [{"type": t, "status": s, "reason": r, "message": f"{t} is {s}"} for t, s, r in given]
    }


def deployment(status: Object, replicas: int = 2, *, progress: str = "NewReplicaSetAvailable") -> Object:
    numbers = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 2)
    states = conditions(("Progressing", "True", progress), ("Available", "True", "Minimum"))
    return obj(
        "apps/v1",
        "Deployment",
        {"replicas": replicas, "progressDeadlineSeconds": 600},
        {"observedGeneration": 2, **numbers, **states, **status},
    )


def stateful(status: Object, **strategy: object) -> Object:
    numbers = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "currentReplicas"), 2)
    revisions = {"currentRevision": "a", "updateRevision": "a"}
    return obj(
        "apps/v1",
        "StatefulSet",
        {"replicas": 2, "updateStrategy": strategy},
        {"observedGeneration": 2, **numbers, **revisions, **status},
    )


def daemon(**status: int) -> Object:
    numbers = dict.fromkeys(
        (
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberReady",
        ),
        3,
    )
    return obj("apps/v1", "DaemonSet", {}, {"observedGeneration": 2, **numbers, **status})


def pod(phase: str, **status: object) -> Object:
    return obj("v1", "Pod", {}, {"phase": phase, **status})


def unschedulable(seconds: int) -> Object:
    since = render_time(NOW - timedelta(seconds=seconds))
    return {
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "lastTransitionTime": since,
            }
        ]
    }


CRASHING = {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}
CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
SHARDED = {"rollingUpdate": {"partition": 1}}

CASES = {
    "any kind without conditions": (obj("example.com/v1", "Widget"), CURRENT, "Resource is current"),
    "being deleted": (
        obj("v1", "ConfigMap", deletionTimestamp="2026-01-01T00:00:00Z"),
        Health.TERMINATING,
        "deletion",
    ),
    "not yet observed": (
        obj(
            "example.com/v1", "Widget", status={"observedGeneration": 1, **conditions(("Ready", "True", "x"))}
        ),
        IN_PROGRESS,
        "Widget generation is 2, but latest observed generation is 1",
    ),
    "never observed by a kind with the default -1": (
        obj("example.com/v1", "Widget", status={"observedGeneration": -1}),
        IN_PROGRESS,
        "observed generation is -1",
    ),
    "reconciling": (
        obj(
            "example.com/v1",
            "Widget",
            status=conditions(("Ready", "True", "x"), ("Reconciling", "True", "x")),
        ),
        IN_PROGRESS,
        "Reconciling is True",
    ),
    "stalled": (
        obj("example.com/v1", "Widget", status=conditions(("Stalled", "True", "x"))),
        FAILED,
        "Stalled is",
    ),
    "ready": (obj("example.com/v1", "Widget", status=conditions(("Ready", "True", "x"))), CURRENT, "Ready"),
    "not ready is not failed": (
        obj("example.com/v1", "Widget", status=conditions(("Ready", "False", "x"))),
        IN_PROGRESS,
        "Ready is False",
    ),
    "readiness unknown": (
        obj("example.com/v1", "Widget", status=conditions(("Ready", "Unknown", "x"))),
        IN_PROGRESS,
        "Ready is Unknown",
    ),
    "a config map": (obj("v1", "ConfigMap"), CURRENT, ""),
    "a service": (obj("v1", "Service", {"type": "ClusterIP"}), CURRENT, ""),
    "a load balancer without address": (
        obj("v1", "Service", {"type": "LoadBalancer"}),
        IN_PROGRESS,
        "ClusterIP",
    ),
    "a load balancer": (obj("v1", "Service", {"type": "LoadBalancer", "clusterIP": "10.0.0.1"}), CURRENT, ""),
    "a bound claim": (obj("v1", "PersistentVolumeClaim", status={"phase": "Bound"}), CURRENT, ""),
    "a pending claim": (
        obj("v1", "PersistentVolumeClaim", status={"phase": "Pending"}),
        IN_PROGRESS,
        "Pending",
    ),
    "a deployment": (deployment({}), CURRENT, "Replicas: 2"),
    "a deployment scaled to none": (
        deployment(
            dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 0), 0
        ),
        CURRENT,
        "Replicas: 0",
    ),
    "a deployment without a deadline": (
        obj(
            "apps/v1",
            "Deployment",
            {"replicas": 0},
            {"observedGeneration": 2, **conditions(("Available", "True", "x"))},
        ),
        CURRENT,
        "",
    ),
    "a deployment that has just begun": (deployment({"replicas": 0}), IN_PROGRESS, "Replicas: 0/2"),
    "a deployment rolling": (deployment({"updatedReplicas": 1}), IN_PROGRESS, "Updated: 1/2"),
    "a deployment with old replicas": (deployment({"replicas": 3}), IN_PROGRESS, "Pending termination: 1"),
    "a deployment not available": (deployment({"availableReplicas": 1}), IN_PROGRESS, "Available: 1/2"),
    "a deployment not ready": (deployment({"readyReplicas": 0}), IN_PROGRESS, "Ready: 0/2"),
    "a deployment progressing": (deployment({}, progress="ReplicaSetUpdated"), IN_PROGRESS, "ReplicaSet not"),
    "a deployment past its deadline": (
        deployment({"replicas": 0}, progress="ProgressDeadlineExceeded"),
        FAILED,
        "Progress deadline exceeded",
    ),
    "a stateful set": (stateful({}), CURRENT, ""),
    "a stateful set updated by hand": (stateful({"readyReplicas": 0}, type="OnDelete"), CURRENT, "ondelete"),
    "a stateful set not ready": (stateful({"readyReplicas": 1}), IN_PROGRESS, "Ready: 1/2"),
    "a stateful set rolling": (stateful({"updatedReplicas": 1}), IN_PROGRESS, "updated: 1/2"),
    "a stateful set between revisions": (stateful({"updateRevision": "b"}), IN_PROGRESS, "revision"),
    "a partition": (
        stateful({"updatedReplicas": 1, "updateRevision": "b"}, **SHARDED),
        CURRENT,
        "Partition rollout complete",
    ),
    "a partition on its way": (stateful({"updatedReplicas": 0}, **SHARDED), IN_PROGRESS, "updated: 0/1"),
    "a daemon set": (daemon(), CURRENT, "Replicas: 3"),
    "a daemon set on no node": (
        daemon(**dict.fromkeys(daemon()["status"].keys() - {"observedGeneration"}, 0)),
        CURRENT,
        "Replicas: 0",
    ),
    "a daemon set without status": (obj("apps/v1", "DaemonSet"), IN_PROGRESS, "observedGeneration"),
    "a daemon set rolling": (daemon(updatedNumberScheduled=1), IN_PROGRESS, "Updated: 1/3"),
    "a replica set": (
        obj(
            "apps/v1",
            "ReplicaSet",
            {"replicas": 1},
            dict.fromkeys(("replicas", "fullyLabeledReplicas", "availableReplicas", "readyReplicas"), 1),
        ),
        CURRENT,
        "",
    ),
    "a replica set that cannot create pods": (
        obj("apps/v1", "ReplicaSet", {}, conditions(("ReplicaFailure", "True", "quota"))),
        IN_PROGRESS,
        "Replica Failure",
    ),
    "a job not started": (
        obj("batch/v1", "Job", {"completions": 3}),
        IN_PROGRESS,
        "Job not started. active: 0/3",
    ),
    "a job running": (
        obj("batch/v1", "Job", {}, {"startTime": "2026-01-01T00:00:00Z", "active": 1}),
        IN_PROGRESS,
        "Job in progress. success:0, active: 1, failed: 0",
    ),
    "a job done": (
        obj("batch/v1", "Job", {"completions": 2}, {"succeeded": 2, **conditions(("Complete", "True", ""))}),
        CURRENT,
        "Job Completed. succeeded: 2/2",
    ),
    "a job failed": (
        obj("batch/v1", "Job", {}, {"failed": 1, **conditions(("Failed", "True", "BackoffLimitExceeded"))}),
        FAILED,
        "Job Failed. failed: 1/1",
    ),
    "a job suspended": (obj("batch/v1", "Job", {"suspend": True}), CURRENT, "Job is suspended"),
    "a ready pod": (pod("Running", **conditions(("Ready", "True", ""))), CURRENT, "Pod is Ready"),
    "a crashing pod": (pod("Running", **CRASHING), FAILED, "CrashLoop state: c"),
    "a pod that is not ready": (pod("Running"), IN_PROGRESS, "not Ready"),
    "a pod that is done": (pod("Succeeded"), CURRENT, "successfully"),
    "a pod that failed": (pod("Failed"), CURRENT, "not successfully"),
    "a pod not scheduled for a while": (
        pod("Pending", **unschedulable(10)),
        IN_PROGRESS,
        "not been scheduled",
    ),
    "a pod that cannot be scheduled": (pod("Pending", **unschedulable(20)), FAILED, "could not be scheduled"),
    "a definition": (obj(*CRD, status=conditions(("Established", "True", "x"))), CURRENT, "established"),
    "a definition being installed": (
        obj(*CRD, status=conditions(("Established", "False", "Installing"))),
        IN_PROGRESS,
        "",
    ),
    "a definition with taken names": (
        obj(*CRD, status=conditions(("NamesAccepted", "False", "x"))),
        FAILED,
        "",
    ),
    "a definition not established": (obj(*CRD, status=conditions(("Established", "False", "x"))), FAILED, ""),
    "a new definition": (obj(*CRD), IN_PROGRESS, "Install in progress"),
}


@pytest.mark.parametrize(("item", "health", "message"), CASES.values(), ids=CASES)
def test_health(item: Object, health: Health, message: str) -> None:
    found = assess(item, NOW)
    assert found.health is health
    assert message in found.message


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda child: (
        st.lists(child, max_size=3)
        | st.dictionaries(
            st.sampled_from(["conditions", "replicas", "type", "status", "phase", "spec"]), child
        )
    ),
    max_leaves=10,
)


@given(
    st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]).map(
        lambda kind: ("apps/v1", kind)
    )
    | st.sampled_from(
        [("v1", "Pod"), ("v1", "Service"), ("batch/v1", "Job"), CRD, ("example.com/v1", "Widget")]
    ),
    json,
    json,
)
def test_any_content_has_a_health(kind: tuple[str, str], spec: object, status: object) -> None:
    item = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "x"}, "spec": spec, "status": status}
    assert isinstance(assess(item, NOW), Assessment)


def test_a_workload_fails_with_its_pods() -> None:
    own = in_progress("Replicas: 0/1")
    assert with_pods(own, [pod("Running")], NOW) == own
    verdict = with_pods(own, [pod("Running"), pod("Running", **CRASHING)], NOW)
    assert verdict.is_failed
    assert "Pod x" in verdict.message
    leaving = pod("Running", **CRASHING)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert with_pods(own, [leaving], NOW) == own


def test_pods_of_an_older_revision_do_not_count() -> None:
    revision = "deployment.kubernetes.io/revision"

    def replica_set(number: str, template: str) -> Object:
        meta = {"annotations": {revision: number}, "labels": {"pod-template-hash": template}}
        return {"metadata": meta}

    def of(template: str) -> Object:
        return {"metadata": {"labels": {"pod-template-hash": template}}}

    workload = {"metadata": {"annotations": {revision: "2"}}}
    sets = [replica_set("1", "old"), replica_set("2", "new")]
    assert of_newest_revision(workload, [of("old"), of("new")], sets) == [of("new")]
    assert of_newest_revision(workload, [of("old"), of("new")]) == [of("old"), of("new")]
    stateful_pods = [{"metadata": {"labels": {"controller-revision-hash": name}}} for name in ("a", "b")]
    assert of_newest_revision({"status": {"updateRevision": "b"}}, stateful_pods) == stateful_pods[1:]
    assert of_newest_revision({}, stateful_pods) == stateful_pods
