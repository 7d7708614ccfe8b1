"""PodDisruptionBudgets: how many of the pods that they select may be evicted now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localcluster.cluster import Cluster
from localcluster.controllers.access import (
    DISRUPTION_BUDGET,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
    Access,
)
from localcluster.controllers.conditions import put
from localcluster.controllers.labelled import Labelled
from localcluster.controllers.pod_facts import PodFacts, facts_of
from localcluster.controllers.selecting import Selecting
from localcluster.housekeeping.worklist import Worklist
from localcluster.selectors.labels import from_object
from localcluster.store.revision import Change, Key, Obj, Revision

_OWNERS = {kind.name: kind for kind in (REPLICA_SET, REPLICATION_CONTROLLER, STATEFUL_SET)}


class DisruptionBudgets:
    def __init__(self, cluster: Cluster, pods: Labelled) -> None:
        self._access = Access(cluster)
        self._pods = pods
        self._selecting = Selecting()
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._access.listen(DISRUPTION_BUDGET, self._hear)
        self._pods.tell(self._pod_changed)
        for revision in self._access.snapshot(DISRUPTION_BUDGET):
            self._note(revision)
        self.worklist.start()

    def _note(self, revision: Revision) -> None:
        selector = revision.load()["spec"].get("selector")
        if selector is not None:
            self._selecting.put(revision.key, selector.get("matchLabels") or {})
        self.worklist.add(revision.key)

    def _hear(self, change: Change) -> None:
        if change.after is not None:
            self._note(change.after)
        else:
            self._selecting.drop(change.key)

    def _pod_changed(self, namespace: str, labels: Mapping[str, str]) -> None:
        for key in self._selecting.concerned(namespace, labels):
            self.worklist.add(key)

    def reconcile(self, key: Key) -> None:
        budget = self._access.get(DISRUPTION_BUDGET, key)
        if budget is None or "deletionTimestamp" in budget["metadata"]:
            return
        selector = budget["spec"].get("selector")
        pods: list[PodFacts] = []
        if selector is not None:
            found = self._pods.select(key[0], from_object(selector), selector.get("matchLabels"))
            pods = [facts for revision in found if not (facts := facts_of(revision)).ended]
        asked = self._replicas_asked_for(key[0], pods)
        self._access.write_status(DISRUPTION_BUDGET, budget, budget_status(budget, pods, asked))

    def _replicas_asked_for(self, namespace: str, pods: Sequence[PodFacts]) -> int:
        """By the controllers of these pods; a pod that has none counts as one."""
        alone = sum(pod.owner.kind not in _OWNERS for pod in pods)
        owners = {pod.owner for pod in pods if pod.owner.kind in _OWNERS}
        total = alone
        for owner in owners:
            obj = self._access.get(_OWNERS[owner.kind], (namespace, owner.name))
            total += obj["spec"].get("replicas", 1) if obj else 0
        return total


def budget_status(budget: Obj, pods: Sequence[PodFacts], asked: int) -> Obj:
    """The status for these pods. `asked`: the replicas that their controllers are to have."""
    spec, before = budget["spec"], budget.get("status") or {}
    healthy = sum(pod.ready and not pod.terminating for pod in pods)
    if "maxUnavailable" in spec:
        expected = asked
        desired = max(0, expected - _resolve(spec["maxUnavailable"], expected))
    else:
        least = spec.get("minAvailable", 1)
        expected = len(pods) if isinstance(least, int) else asked
        desired = _resolve(least, expected)
    allowed = max(0, healthy - desired) if expected else 0
    conditions = [dict(each) for each in before.get("conditions") or ()]
    generation = budget["metadata"].get("generation", 0)
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "observedGeneration": generation,
    }
    put(conditions, condition)
    kept = {"disruptedPods": before["disruptedPods"]} if before.get("disruptedPods") else {}
    return kept | {
        "observedGeneration": generation,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": conditions,
    }


def _resolve(value: int | str, total: int) -> int:
    """Percentages are rounded up."""
    if isinstance(value, int):
        return value
    return -(-int(value.removesuffix("%")) * total // 100)
