"""The one simulated node: what it is, and which pods it would take. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localcluster.clock import stamp
from localcluster.controllers.access import NODE
from localcluster.controllers.pod_status import NODE_ADDRESS
from localcluster.store.revision import Obj

NODE_NAME = "localcluster-node"
SCHEDULER = "default-scheduler"
_LABELS = {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": NODE_NAME,
    "kubernetes.io/os": "linux",
}
_CAPACITY = {"cpu": "64", "ephemeral-storage": "1Ti", "memory": "256Gi", "pods": "65000"}
_REPELLING = frozenset({"NoSchedule", "NoExecute"})
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def make_node() -> Obj:
    return {
        "apiVersion": NODE.api_version,
        "kind": NODE.name,
        "metadata": {"name": NODE_NAME, "labels": dict(_LABELS)},
        "spec": {"podCIDR": "10.244.0.0/16", "podCIDRs": ["10.244.0.0/16"]},
    }


def node_status() -> Obj:
    """Ready; reported once, because a node that beats its heart is never idle."""
    moment = stamp()

    def condition(kind: str, status: str, reason: str, message: str) -> Obj:
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": moment,
            "lastTransitionTime": moment,
        }

    return {
        "capacity": dict(_CAPACITY),
        "allocatable": dict(_CAPACITY),
        "conditions": [
            *(condition(kind, "False", reason, message) for kind, reason, message in _PRESSURES),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "addresses": [
            {"type": "InternalIP", "address": NODE_ADDRESS},
            {"type": "Hostname", "address": NODE_NAME},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "machineID": "localcluster",
            "systemUUID": "localcluster",
            "bootID": "localcluster",
            "kernelVersion": "simulated",
            "osImage": "simulated",
            "containerRuntimeVersion": "containerd://2.1.0",
            "kubeletVersion": "v1.36.2",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }


def refusal_of(pod_spec: Obj, node: Obj) -> str | None:
    """Why no pod like this can be placed on the node, as the scheduler words it; None where one can."""
    labels: Mapping[str, str] = node["metadata"].get("labels") or {}
    if (node.get("spec") or {}).get("unschedulable"):
        return "1 node(s) were unschedulable"
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint["effect"] in _REPELLING and not _tolerated(taint, pod_spec):
            return f"1 node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    wanted = pod_spec.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in wanted.items()) or not _affine(pod_spec, labels):
        return "1 node(s) didn't match Pod's node affinity/selector"
    return None


def _tolerated(taint: Obj, pod_spec: Obj) -> bool:
    return any(
        toleration.get("effect") in (None, "", taint["effect"])
        and toleration.get("key") in (None, "", taint["key"])
        and (
            toleration.get("operator") == "Exists"
            or (bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", ""))
        )
        for toleration in pod_spec.get("tolerations") or ()
    )


def _affine(pod_spec: Obj, labels: Mapping[str, str]) -> bool:
    node_affinity = (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(_term_matches(term, labels) for term in required.get("nodeSelectorTerms") or ())


def _term_matches(term: Obj, labels: Mapping[str, str]) -> bool:
    expressions = term.get("matchExpressions") or ()
    fields = term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    named = {"metadata.name": NODE_NAME}
    return all(_matches(each, labels) for each in expressions) and all(
        _matches(each, named) for each in fields
    )


def _matches(expression: Obj, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values: Sequence[str] = expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case operator:
            return _compares(value, operator, values)


def _compares(value: str | None, operator: str, values: Sequence[str]) -> bool:
    try:
        left, right = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right
