"""Cluster roles made of others: an aggregationRule is kept true as roles with its labels come and go."""

from __future__ import annotations

from typing import Any

from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.inprocess import Privileged
from localcluster.selectors.labels import from_object
from localcluster.store.revision import Change, Obj

_COLLECTION = "clusterroles.rbac.authorization.k8s.io"


class RoleAggregation:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = Privileged(cluster, "clusterrole-aggregation-controller")
        self._resource = self._api.resource("rbac.authorization.k8s.io/v1", "ClusterRole")
        self._aggregated = {
            revision.key[1]
            for revision in cluster.store.snapshot(_COLLECTION, "")
            if b'"aggregationRule"' in revision.raw
        }
        self.worklist: Worklist[str] = Worklist(self._reconcile)
        cluster.store.listen(_COLLECTION, self)
        for name in self._aggregated:
            self.worklist.add(name)

    def offer(self, change: Change) -> None:
        if change.after is not None and b'"aggregationRule"' in change.after.raw:
            self._aggregated.add(change.key[1])
        for name in self._aggregated:
            self.worklist.add(name)

    def _reconcile(self, name: str) -> None:
        role = self._api.find(self._resource, "", name)
        if role is None or not role.get("aggregationRule"):
            self._aggregated.discard(name)
            return
        rules = self._union(role)
        if rules != (role.get("rules") or []):
            self._api.change(self._resource, "", name, lambda obj: obj.update(rules=rules))

    def _union(self, role: Obj) -> list[dict[str, Any]]:
        """Rules of all roles selected, by the roles' names, each rule once."""
        selectors = [from_object(each) for each in role["aggregationRule"].get("clusterRoleSelectors") or ()]
        rules: list[dict[str, Any]] = []
        for revision in self._cluster.store.snapshot(_COLLECTION, ""):
            if revision.key[1] == role["metadata"]["name"]:
                continue
            if any(selector.matches(revision.labels) for selector in selectors):
                rules.extend(rule for rule in revision.load().get("rules") or () if rule not in rules)
        return rules
