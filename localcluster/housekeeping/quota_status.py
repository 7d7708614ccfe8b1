"""Keeps the status of quotas: what there is, and how much of it is used."""

from __future__ import annotations

from localcluster.admission import amounts
from localcluster.admission.quotas import QUOTAS, used_of
from localcluster.cluster import Cluster
from localcluster.housekeeping.worklist import Worklist
from localcluster.inprocess import Privileged
from localcluster.store.revision import Change, Key


class QuotaStatus:
    """Every change in a namespace that has quotas has them counted anew."""

    def __init__(self, cluster: Cluster) -> None:
        self._store = cluster.store
        self._api = Privileged(cluster, "kube-controller-manager")
        self._resource = self._api.resource("v1", "ResourceQuota")
        self.worklist: Worklist[Key] = Worklist(self._reconcile)
        cluster.store.listen_to_everything(self)
        for revision in cluster.store.snapshot(QUOTAS, ""):
            self.worklist.add(revision.key)

    def offer(self, change: Change) -> None:
        if change.key[0]:
            for key in self._store.collection(QUOTAS).within(change.key[0]):
                self.worklist.add(key)

    def _reconcile(self, key: Key) -> None:
        quota = self._api.find(self._resource, *key)
        if quota is None:
            return
        hard = (quota.get("spec") or {}).get("hard") or {}
        used = {name: str(amount) for name, amount in used_of(self._store, quota, tuple(hard)).items()}
        status = {"hard": hard, "used": used} if hard else {}
        if _differ(quota.get("status") or {}, status):
            self._api.change(self._resource, *key, lambda obj: obj.update(status=status), "status")


def _differ(present: dict[str, dict[str, str]], wanted: dict[str, dict[str, str]]) -> bool:
    return any(amounts.read(present.get(part)) != amounts.read(wanted.get(part)) for part in ("hard", "used"))
