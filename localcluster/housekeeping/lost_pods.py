"""Pods that are being deleted on nodes that do not exist: nobody else would ever take them away."""

from __future__ import annotations

from localcluster.clock import now, parse
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.http.options import DeleteOptions
from localcluster.inprocess import Privileged
from localcluster.store.revision import Change, Key, Revision

QUARANTINE_SECONDS = 10.0
"""After the grace period, in which the node may still turn up."""


class LostPods:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = Privileged(cluster, "kube-controller-manager")
        self._pods = self._api.resource("v1", "Pod")
        self.worklist: Worklist[Key] = Worklist(self._reconcile)
        cluster.store.listen("pods", self)
        for revision in cluster.store.snapshot("pods", ""):
            self._look_at(revision)

    def offer(self, change: Change) -> None:
        if change.after is not None:
            self._look_at(change.after)

    def _look_at(self, revision: Revision) -> None:
        if b'"deletionTimestamp"' in revision.raw:
            self.worklist.add(revision.key)

    def _reconcile(self, key: Key) -> None:
        pod = self._api.find(self._pods, *key)
        if pod is None:
            return
        metadata, node = pod["metadata"], pod["spec"].get("nodeName")
        ends = parse(metadata.get("deletionTimestamp") or "")
        if ends is None or not node or self._cluster.store.find("nodes", ("", node)) is not None:
            return
        left = (ends - now()).total_seconds() + QUARANTINE_SECONDS
        if left > 0:
            self.worklist.add_later(key, left)
            return
        options = DeleteOptions(grace_seconds=0, uid=metadata["uid"], propagation="Background")
        self._api.delete(self._pods, *key, options)
