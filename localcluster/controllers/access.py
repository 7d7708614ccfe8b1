"""How controllers read and write: at once, in one step of the event loop, each as a manager of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from localcluster import rules
from localcluster.clock import stamp
from localcluster.cluster import Cluster
from localcluster.http.options import DeleteOptions
from localcluster.inprocess import Privileged
from localcluster.resources.resource import Resource
from localcluster.status import MODIFIED, Refusal, conflict
from localcluster.store.revision import Change, Key, Obj, Revision


class Kind(NamedTuple):
    api_version: str
    name: str


CLAIM = Kind("v1", "PersistentVolumeClaim")
CLASS = Kind("storage.k8s.io/v1", "StorageClass")
CRON_JOB = Kind("batch/v1", "CronJob")
DAEMON_SET = Kind("apps/v1", "DaemonSet")
DEPLOYMENT = Kind("apps/v1", "Deployment")
DISRUPTION_BUDGET = Kind("policy/v1", "PodDisruptionBudget")
ENDPOINTS = Kind("v1", "Endpoints")
ENDPOINT_SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice")
EVENT = Kind("v1", "Event")
INGRESS = Kind("networking.k8s.io/v1", "Ingress")
JOB = Kind("batch/v1", "Job")
NODE = Kind("v1", "Node")
POD = Kind("v1", "Pod")
POD_AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler")
REPLICATION_CONTROLLER = Kind("v1", "ReplicationController")
REPLICA_SET = Kind("apps/v1", "ReplicaSet")
REVISION = Kind("apps/v1", "ControllerRevision")
SERVICE = Kind("v1", "Service")
STATEFUL_SET = Kind("apps/v1", "StatefulSet")
VOLUME = Kind("v1", "PersistentVolume")


class Access:
    """The store through the eyes of one manager. Writes raise Refusal as a client's would be refused."""

    def __init__(self, cluster: Cluster, manager: str = "kube-controller-manager") -> None:
        self._cluster = cluster
        self._store = cluster.store
        self._direct = Privileged(cluster, manager)
        self._manager = manager
        self._resources: dict[Kind, Resource] = {}

    def resource(self, kind: Kind) -> Resource:
        found = self._resources.get(kind)
        if found is None:
            found = self._resources[kind] = self._direct.resource(*kind)
        return found

    def revision(self, kind: Kind, key: Key) -> Revision | None:
        return self._store.find(self.resource(kind).collection, key)

    def get(self, kind: Kind, key: Key) -> Obj | None:
        """A copy that belongs to the caller, or None."""
        return self._direct.find(self.resource(kind), *key)

    def snapshot(self, kind: Kind, namespace: str = "") -> list[Revision]:
        return self._store.snapshot(self.resource(kind).collection, namespace)

    def listen(self, kind: Kind, hear: Callable[[Change], None]) -> None:
        """Have `hear` called with each change of a kind; it must not block or raise."""
        self._store.listen(self.resource(kind).collection, _Ear(hear))

    def create(self, obj: Obj) -> Obj:
        return self._direct.create(obj)

    def change(self, kind: Kind, key: Key, edit: Callable[[Obj], None], subresource: str = "") -> Obj:
        return self._direct.change(self.resource(kind), *key, edit, subresource)

    def write(self, kind: Kind, old: Obj, new: Obj, subresource: str | None = "status") -> bool:
        """Store `new` in the place of `old`, the present state, if they differ; say whether they did.

        For statuses and what else the rules for users do not cover (a pod's node): neither defaults nor
        validation, because the controller is trusted with what it writes. It owns what it changes, but
        nobody does where the subresource is None. Raises a 409 Refusal where `old` is not the present state.
        """
        if new == old:
            return False
        resource, metadata = self.resource(kind), new["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        present = self._store.find(resource.collection, key)
        if present is None or str(present.version) != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, key[1], MODIFIED)
        if subresource is not None:
            rules.track(resource, old, new, self._manager, subresource)
            new = rules.settle(old, new)
        self._store.put(resource.collection, key, rules.to_storage(resource, new))
        return True

    def write_status(self, kind: Kind, obj: Obj, status: Obj) -> bool:
        """Give `obj`, the present state, this status; say whether it had another."""
        if status == obj.get("status"):
            return False
        return self.write(kind, obj, {**obj, "metadata": dict(obj["metadata"]), "status": status})

    def delete(
        self, kind: Kind, key: Key, *, grace_seconds: int | None = None, propagation: str = "Background"
    ) -> None:
        """Delete; an object that is not there any more is no error."""
        options = DeleteOptions(grace_seconds=grace_seconds, propagation=propagation)
        try:
            self._direct.delete(self.resource(kind), *key, options)
        except Refusal as refusal:
            if refusal.code != 404:
                raise

    def warn(self, about: Obj, reason: str, message: str) -> None:
        """Leave a Warning event with an object."""
        self._direct.create(_event(about, reason, message, self._manager))


class _Ear:
    """A function as the store's listener."""

    def __init__(self, hear: Callable[[Change], None]) -> None:
        self._hear = hear

    def offer(self, change: Change) -> None:
        self._hear(change)


def _event(about: Obj, reason: str, message: str, component: str) -> Obj:
    metadata, moment = about["metadata"], stamp()
    namespace = metadata.get("namespace", "default")
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": namespace},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": metadata["name"],
            "namespace": metadata.get("namespace", ""),
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": "Warning",
        "reason": reason,
        "message": message,
        "source": {"component": component},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
