"""An APIService for each group and version that is served here: what `kubectl get apiservices` lists."""

from __future__ import annotations

from localcluster.clock import stamp
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.http.options import DeleteOptions
from localcluster.inprocess import Privileged
from localcluster.store.revision import Obj

_LABEL = "kube-aggregator.kubernetes.io/automanaged"
_COLLECTION = "apiservices.apiregistration.k8s.io"
_OWN_GROUP = "apiregistration.k8s.io"
_CUSTOM_PRIORITY = (1000, 100)
# How the genuine server ranks its groups; versions count from 15 unless another is preferred to them.
_GROUP_PRIORITIES = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "resource.k8s.io": 15900,
}
_VERSION_PRIORITIES = {
    ("", "v1"): 1,
    ("autoscaling", "v2"): 30,
    ("flowcontrol.apiserver.k8s.io", "v1"): 21,
}


class ApiServices:
    """Works by group; built-in ones are looked at once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = Privileged(cluster, "kube-apiserver")
        self._resource = self._api.resource("apiregistration.k8s.io/v1", "APIService")
        self.worklist: Worklist[str] = Worklist(self._reconcile)
        cluster.registry.listen(self.worklist.add)
        for group in cluster.registry.groups():
            self.worklist.add(group)

    def _reconcile(self, group: str) -> None:
        registry, store = self._cluster.registry, self._cluster.store
        if group == _OWN_GROUP:
            return
        wanted = {f"{version}.{group}": version for version in registry.versions(group)}
        for revision in store.snapshot(_COLLECTION, ""):
            name = revision.key[1]
            stale = name.partition(".")[2] == group and name not in wanted
            if stale and revision.labels.get(_LABEL) == "true":
                self._api.delete(self._resource, "", name, DeleteOptions())
        for name, version in wanted.items():
            if store.find(_COLLECTION, ("", name)) is None:
                self._make(name, group, version)

    def _make(self, name: str, group: str, version: str) -> None:
        builtin = self._cluster.registry.is_builtin_group(group)
        priority = (
            (_GROUP_PRIORITIES[group], _VERSION_PRIORITIES.get((group, version), 15))
            if builtin
            else _CUSTOM_PRIORITY
        )
        spec: Obj = {"version": version, "groupPriorityMinimum": priority[0], "versionPriority": priority[1]}
        labels = {_LABEL: "onstart" if builtin else "true"}
        self._api.create(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": name, "labels": labels},
                "spec": {"group": group, **spec} if group else spec,
            }
        )
        self._api.change(self._resource, "", name, _tell_available, "status")


def _tell_available(service: Obj) -> None:
    condition = {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": stamp(),
        "reason": "Local",
        "message": "Local APIServices are always available",
    }
    service["status"] = {"conditions": [condition]}
