"""DaemonSets: one pod on the one node, if the node is of the kind that is asked for."""

from __future__ import annotations

from localcluster.cluster import Cluster
from localcluster.controllers.access import DAEMON_SET, NODE, POD, Access
from localcluster.controllers.conditions import without_empty
from localcluster.controllers.node import NODE_NAME, refusal_of
from localcluster.controllers.ownership import Owned
from localcluster.controllers.pod_facts import PodFacts, facts_of
from localcluster.controllers.revisions import HASH_LABEL, Revisions
from localcluster.controllers.templates import pod_from
from localcluster.housekeeping.worklist import Worklist
from localcluster.store.revision import Change, Key, Obj


class DaemonSets:
    def __init__(self, cluster: Cluster, pods: Owned, revisions: Owned) -> None:
        self._access = Access(cluster)
        self._pods = pods
        self._revisions = Revisions(self._access, revisions)
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._pods.tell(DAEMON_SET, self.worklist.add)
        self._access.listen(DAEMON_SET, lambda change: self.worklist.add(change.key))
        self._access.listen(NODE, self._node_changed)
        self._add_all()
        self.worklist.start()

    def _node_changed(self, _: Change) -> None:
        self._add_all()

    def _add_all(self) -> None:
        for revision in self._access.snapshot(DAEMON_SET):
            self.worklist.add(revision.key)

    def reconcile(self, key: Key) -> None:
        owner = self._access.get(DAEMON_SET, key)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        wanted = self._revisions.record(owner)
        fits = self._fits(owner)
        pods = self._present(owner)
        strategy = (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate")
        for pod in pods:
            outdated = strategy == "RollingUpdate" and pod.labels.get(HASH_LABEL) != wanted.hash
            if not pod.terminating and (not fits or pod.ended or outdated):
                self._access.delete(POD, pod.key)
        if fits and not self._present(owner):
            naming = {"generateName": f"{owner['metadata']['name']}-"}
            self._access.create(
                pod_from(owner, _pinned(owner["spec"]["template"]), naming, {HASH_LABEL: wanted.hash})
            )
        pods = self._present(owner)
        ready_for = owner["spec"].get("minReadySeconds", 0)
        for pod in pods:
            left = pod.seconds_until_available(ready_for) if pod.ready else 0.0
            if left > 0:
                self.worklist.add_later(key, left)
        status = _status(owner, [pod for pod in pods if pod.active], wanted.hash, fits=fits)
        self._access.write_status(DAEMON_SET, owner, status)
        self._revisions.forget(owner, wanted, [pod.labels.get(HASH_LABEL, "") for pod in pods])

    def _present(self, owner: Obj) -> list[PodFacts]:
        return [facts_of(revision) for revision in self._pods.revisions(owner["metadata"]["uid"])]

    def _fits(self, owner: Obj) -> bool:
        node = self._access.get(NODE, ("", NODE_NAME))
        if node is None:
            return False
        # A daemon runs on a node that is cordoned too.
        schedulable = {**node, "spec": {}}
        return refusal_of(owner["spec"]["template"]["spec"], schedulable) is None


def _pinned(template: Obj) -> Obj:
    """The template with the affinity by which the genuine controller ties a daemon's pod to its node."""
    spec = template["spec"]
    field = {"key": "metadata.name", "operator": "In", "values": [NODE_NAME]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = dict(spec.get("affinity") or {})
    affinity["nodeAffinity"] = {
        **(affinity.get("nodeAffinity") or {}),
        "requiredDuringSchedulingIgnoredDuringExecution": required,
    }
    return {**template, "spec": {**spec, "affinity": affinity}}


def _status(owner: Obj, pods: list[PodFacts], mark: str, *, fits: bool) -> Obj:
    desired = 1 if fits else 0
    available = sum(pod.available(owner["spec"].get("minReadySeconds", 0)) for pod in pods)
    optional = without_empty(
        {
            "observedGeneration": owner["metadata"].get("generation", 0),
            "updatedNumberScheduled": sum(pod.labels.get(HASH_LABEL) == mark for pod in pods),
            "numberAvailable": available,
            "numberUnavailable": max(desired - available, 0),
        }
    )
    return {
        "currentNumberScheduled": min(len(pods), desired),
        "numberMisscheduled": 0,
        "desiredNumberScheduled": desired,
        "numberReady": sum(pod.ready for pod in pods),
        **optional,
    }
