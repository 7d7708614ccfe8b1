"""The initial objects: namespaces, the API's own service, priority classes, roles and bindings."""

from __future__ import annotations

from localcluster import rules
from localcluster.auth.users import CONTROLLERS
from localcluster.bootstrap.roles import initial_roles
from localcluster.certificates import SERVICE_ADDRESS
from localcluster.cluster import Cluster
from localcluster.http.options import WriteOptions
from localcluster.store.revision import Obj
from localcluster.verbs.call import Call
from localcluster.verbs.creating import create
from localcluster.verbs.settling import at_once

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_OPTIONS = WriteOptions(dry_run=False, manager="", validation="Ignore")


def make_initial_objects(cluster: Cluster) -> None:
    """Create what is missing; an existing object is left as it is."""
    for obj in (
        *map(_namespace, _NAMESPACES),
        *initial_roles(),
        *_priority_classes(),
        *_flow_control(),
        _service(),
    ):
        _make(cluster, obj)
    cluster.store.begin_history()


def _make(cluster: Cluster, obj: Obj) -> None:
    resource = cluster.registry.of_kind(obj["apiVersion"], obj["kind"])
    assert resource is not None
    metadata = obj["metadata"]
    namespace = metadata.get("namespace", "")
    if cluster.store.find(resource.collection, (namespace, metadata["name"])) is None:
        call = Call(resource, CONTROLLERS, namespace, manager="kube-apiserver")
        obj = rules.decode(resource, obj, (), "Ignore", [])
        at_once(create(cluster.store, cluster.admission.within, call, obj, _OPTIONS))


def _namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _priority_classes() -> list[Obj]:
    moved = "but can be moved to another node if necessary."
    described = {
        "system-cluster-critical": (
            2_000_000_000,
            f"Used for system critical pods that must run in the cluster, {moved}",
        ),
        "system-node-critical": (
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    }
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "description": description,
        }
        for name, (value, description) in described.items()
    ]


def _flow_control() -> list[Obj]:
    """The mandatory pair of each kind; nothing here is throttled by them."""
    api = "flowcontrol.apiserver.k8s.io/v1"
    everyone = [
        {"kind": "Group", "group": {"name": f"system:{name}"}}
        for name in ("unauthenticated", "authenticated")
    ]
    masters = [{"kind": "Group", "group": {"name": "system:masters"}}]
    anything = {
        "resourceRules": [
            {
                "verbs": ["*"],
                "apiGroups": ["*"],
                "resources": ["*"],
                "clusterScope": True,
                "namespaces": ["*"],
            }
        ],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
    levels: dict[str, Obj] = {
        "exempt": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
        "catch-all": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 5,
                "lendablePercent": 0,
                "limitResponse": {"type": "Reject"},
            },
        },
    }
    found: list[Obj] = []
    for name, precedence, subjects in (("exempt", 1, masters), ("catch-all", 10_000, everyone)):
        level = {"apiVersion": api, "kind": "PriorityLevelConfiguration", "metadata": {"name": name}}
        schema: Obj = {
            "priorityLevelConfiguration": {"name": name},
            "matchingPrecedence": precedence,
            "rules": [{"subjects": subjects, **anything}],
        }
        if name == "catch-all":
            schema["distinguisherMethod"] = {"type": "ByUser"}
        found.append({**level, "spec": levels[name]})
        found.append({"apiVersion": api, "kind": "FlowSchema", "metadata": {"name": name}, "spec": schema})
    return found


def _service() -> Obj:
    """The API as pods would find it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": SERVICE_ADDRESS,
            "clusterIPs": [SERVICE_ADDRESS],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "sessionAffinity": "None",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    }
