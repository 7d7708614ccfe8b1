"""ReplicaSets and ReplicationControllers: as many pods as they ask for, and a count of them."""

from __future__ import annotations

from dataclasses import dataclass

from localcluster.cluster import Cluster
from localcluster.controllers.access import POD, Access, Kind
from localcluster.controllers.conditions import drop, put, without_empty
from localcluster.controllers.ownership import Owned, take
from localcluster.controllers.pod_facts import PodFacts, facts_of
from localcluster.controllers.templates import pod_from
from localcluster.housekeeping.worklist import Worklist
from localcluster.selectors.labels import LabelSelector, from_object
from localcluster.status import Refusal
from localcluster.store.revision import Key, Obj

_BURST = 50
"""Pods made or deleted in one step; the others wait for the next, so that clients are served between."""


class Replicas:
    """One controller for each of the two kinds, which differ in how they select."""

    def __init__(self, cluster: Cluster, kind: Kind, pods: Owned) -> None:
        self._kind = kind
        self._pods = pods
        self._access = Access(cluster)
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._pods.tell(self._kind, self.worklist.add)
        self._access.listen(self._kind, lambda change: self.worklist.add(change.key))
        for revision in self._access.snapshot(self._kind):
            self.worklist.add(revision.key)
        self.worklist.start()

    def reconcile(self, key: Key) -> None:
        owner = self._access.get(self._kind, key)
        if owner is None:
            return
        spec = owner["spec"]
        if "deletionTimestamp" not in owner["metadata"]:
            self._adopt(owner)
            failure = self._match(key, owner)
        else:
            failure = None
        pods = [facts_of(revision) for revision in self._pods.revisions(owner["metadata"]["uid"])]
        ready_for: int = spec.get("minReadySeconds", 0)
        soonest = [pod.seconds_until_available(ready_for) for pod in pods if pod.ready]
        if any(seconds > 0 for seconds in soonest):
            self.worklist.add_later(key, min(seconds for seconds in soonest if seconds > 0))
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
        status = _status(owner, pods, Wanted(labels, ready_for), failure)
        told = self._access.write_status(self._kind, owner, status)
        if failure is not None:
            if told:
                self._access.warn(owner, "FailedCreate", f"Error creating: {failure.message}")
            raise failure

    def _adopt(self, owner: Obj) -> None:
        """Take pods of the selector that nobody controls."""
        selector = _selector(owner)
        for revision in self._pods.unowned(owner["metadata"]["namespace"]):
            pod = facts_of(revision)
            if pod.active and selector.matches(pod.labels):
                self._access.change(POD, pod.key, lambda obj: take(obj, owner))

    def _match(self, key: Key, owner: Obj) -> Refusal | None:
        """Make or delete pods; why none could be made, where that is so."""
        pods = [facts_of(revision) for revision in self._pods.revisions(owner["metadata"]["uid"])]
        active = [pod for pod in pods if pod.active]
        missing = owner["spec"].get("replicas", 1) - len(active)
        if abs(missing) > _BURST:
            self.worklist.add(key)
        for pod in sorted(active, key=_worth)[: min(-missing, _BURST) if missing < 0 else 0]:
            self._access.delete(POD, pod.key)
        naming = {"generateName": f"{owner['metadata']['name']}-"}
        for _ in range(min(missing, _BURST)):
            try:
                self._access.create(pod_from(owner, owner["spec"]["template"], naming))
            except Refusal as refusal:
                return refusal
        return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What pods must have to count: the template's labels, and readiness for so many seconds."""

    labels: dict[str, str]
    ready_seconds: int


def _worth(pod: PodFacts) -> tuple[bool, bool, float]:
    """Pods that serve least, or not for long, go first."""
    return (pod.scheduled, pod.ready, -pod.ready_since)


def _selector(owner: Obj) -> LabelSelector:
    selector = owner["spec"].get("selector") or {}
    if "matchLabels" in selector or "matchExpressions" in selector:
        return from_object(selector)
    return from_object({"matchLabels": selector})


def _status(owner: Obj, pods: list[PodFacts], wanted: Wanted, failure: Refusal | None) -> Obj:
    active = [pod for pod in pods if pod.active]
    labelled = [pod for pod in active if wanted.labels.items() <= pod.labels.items()]
    conditions = [dict(each) for each in (owner.get("status") or {}).get("conditions") or ()]
    if failure is not None:
        put(
            conditions,
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": failure.message,
            },
        )
    else:
        drop(conditions, "ReplicaFailure")
    status = without_empty(
        {
            "fullyLabeledReplicas": len(labelled),
            "readyReplicas": sum(pod.ready for pod in active),
            "availableReplicas": sum(pod.available(wanted.ready_seconds) for pod in active),
            "observedGeneration": owner["metadata"].get("generation", 0),
            "conditions": conditions,
        }
    )
    status["replicas"] = len(active)
    if owner["kind"] == "ReplicaSet":
        status["terminatingReplicas"] = sum(pod.terminating and not pod.ended for pod in pods)
    return status
