"""The initial objects: namespaces, the API's own service, priority classes, roles and bindings."""

from __future__ import annotations

from localcluster.auth.users import CONTROLLERS
from localcluster.cluster import Cluster
from localcluster.http.options import WriteOptions
from localcluster.store.revision import Obj
from localcluster.verbs.call import Call
from localcluster.verbs.creating import create

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def make_initial_objects(cluster: Cluster, authority: bytes | None) -> None:
    """Create what is missing; an existing object is left as it is."""
    for name in _NAMESPACES:
        _make(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    cluster.store.begin_history()


def _make(cluster: Cluster, obj: Obj) -> None:
    resource = cluster.registry.of_kind(obj["apiVersion"], obj["kind"])
    assert resource is not None
    metadata = obj["metadata"]
    namespace = metadata.get("namespace", "")
    if cluster.store.find(resource.collection, (namespace, metadata["name"])) is None:
        call = Call(resource, CONTROLLERS, namespace, manager="kube-apiserver")
        create(cluster.store, cluster.admission, call, obj, WriteOptions(False, "", "Warn"))
