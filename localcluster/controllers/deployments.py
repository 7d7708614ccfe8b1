"""Deployments: replica sets made, rolled, kept for undoing, and forgotten."""

from __future__ import annotations

from localcluster.cluster import Cluster
from localcluster.controllers.access import DEPLOYMENT, REPLICA_SET, Access
from localcluster.controllers.deployment_status import Sets, deployment_status, seconds_to_deadline
from localcluster.controllers.ownership import Owned, reference_to, take
from localcluster.controllers.pod_facts import facts_of
from localcluster.controllers.rollout import (
    Part,
    limits_of,
    paused_targets,
    recreate_targets,
    rolling_targets,
)
from localcluster.controllers.templates import TEMPLATE_HASH, hash_of, same_template
from localcluster.housekeeping.worklist import Worklist
from localcluster.selectors.labels import from_object
from localcluster.store.revision import Key, Obj

REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MOST = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        _HISTORY,
        _DESIRED,
        _MOST,
    }
)

_TO_BE_MADE = Part("", 0, 0, 0)
"""Stands for the replica set of a template that has none yet."""


class Deployments:
    def __init__(self, cluster: Cluster, replica_sets: Owned, pods: Owned) -> None:
        self._access = Access(cluster)
        self._replica_sets = replica_sets
        self._pods = pods
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._replica_sets.tell(DEPLOYMENT, self.worklist.add)
        self._access.listen(DEPLOYMENT, lambda change: self.worklist.add(change.key))
        for revision in self._access.snapshot(DEPLOYMENT):
            self.worklist.add(revision.key)
        self.worklist.start()

    def reconcile(self, key: Key) -> None:
        deployment = self._access.get(DEPLOYMENT, key)
        if deployment is None:
            return
        sets = self._observe(deployment)
        if "deletionTimestamp" not in deployment["metadata"]:
            sets = self._act(deployment, sets)
        revision = sets.new["metadata"]["annotations"].get(REVISION) if sets.new else None
        self._write_status(key, deployment, sets, revision)

    def _observe(self, deployment: Obj) -> Sets:
        """The Deployment's replica sets, the one of its present template apart, oldest first."""
        owned = self._replica_sets.objects(deployment["metadata"]["uid"])
        if "deletionTimestamp" not in deployment["metadata"]:
            owned += self._adopted(deployment)
        owned.sort(key=lambda each: (each["metadata"]["creationTimestamp"], _number(each)))
        template = deployment["spec"]["template"]
        new = next((each for each in owned if same_template(each["spec"]["template"], template)), None)
        return Sets(new, [each for each in owned if each is not new])

    def _adopted(self, deployment: Obj) -> list[Obj]:
        selector = from_object(deployment["spec"]["selector"])
        return [
            self._access.change(
                REPLICA_SET,
                revision.key,
                lambda obj: take(obj, deployment),
            )
            for revision in self._replica_sets.unowned(deployment["metadata"]["namespace"])
            if selector.matches(revision.labels) and b'"deletionTimestamp"' not in revision.raw
        ]

    def _act(self, deployment: Obj, sets: Sets) -> Sets:
        spec = deployment["spec"]
        limits = limits_of(spec.get("replicas", 1), spec.get("strategy", {}).get("rollingUpdate") or {})
        if spec.get("paused"):
            parts = [_part(each) for each in sets.all]
            return self._scale(sets, paused_targets(limits, parts), deployment)
        new = _part(sets.new) if sets.new is not None else _TO_BE_MADE
        old = [self._part_with_pods(each) for each in sets.old]
        if spec.get("strategy", {}).get("type") == "Recreate":
            targets = recreate_targets(limits.desired, new, old)
        else:
            targets = rolling_targets(limits, new, old)
        if sets.new is None:
            sets = Sets(self._make(deployment, sets.old, targets[new.name]), sets.old, made=True)
        sets = self._scale(sets, targets, deployment)
        if not sets.made:
            sets = self._renumber(sets)
        self._forget(deployment, sets.old)
        return sets

    def _make(self, deployment: Obj, old: list[Obj], replicas: int) -> Obj:
        metadata, spec = deployment["metadata"], deployment["spec"]
        template = spec["template"]
        collisions = 0
        while True:
            mark = hash_of(template, collisions)
            name = f"{metadata['name']}-{mark}"
            if self._access.revision(REPLICA_SET, (metadata["namespace"], name)) is None:
                break
            collisions += 1
        labels = {**((template.get("metadata") or {}).get("labels") or {}), TEMPLATE_HASH: mark}
        selector = dict(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), TEMPLATE_HASH: mark}
        wanted: Obj = {
            "replicas": replicas,
            "selector": selector,
            "template": {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}},
        }
        if spec.get("minReadySeconds"):
            wanted["minReadySeconds"] = spec["minReadySeconds"]
        return self._access.create(
            {
                "apiVersion": REPLICA_SET.api_version,
                "kind": REPLICA_SET.name,
                "metadata": {
                    "name": name,
                    "namespace": metadata["namespace"],
                    "labels": labels,
                    "annotations": {
                        **_copied(deployment),
                        **_sizes(deployment),
                        REVISION: str(max(map(_number, old), default=0) + 1),
                    },
                    "ownerReferences": [reference_to(deployment)],
                },
                "spec": wanted,
            }
        )

    def _scale(self, sets: Sets, targets: dict[str, int], deployment: Obj) -> Sets:
        """Bring replica sets to their number of replicas, and what they copy of the Deployment up to date."""
        new = sets.new and self._settle(sets.new, targets, deployment, copies=True)
        return Sets(
            new, [self._settle(each, targets, deployment, copies=False) for each in sets.old], sets.made
        )

    def _settle(self, replica_set: Obj, targets: dict[str, int], deployment: Obj, *, copies: bool) -> Obj:
        metadata, spec = replica_set["metadata"], replica_set["spec"]
        asked = targets.get(metadata["name"], spec["replicas"])
        annotations = dict(metadata.get("annotations") or {})
        if copies:
            annotations = {key: value for key, value in annotations.items() if key in _NOT_COPIED}
            annotations.update(_copied(deployment))
        if asked or copies:
            annotations.update(_sizes(deployment))
        ready_for = deployment["spec"].get("minReadySeconds", 0) if copies else spec.get("minReadySeconds", 0)
        same = asked == spec["replicas"] and annotations == metadata.get("annotations")
        if same and ready_for == spec.get("minReadySeconds", 0):
            return replica_set

        def edit(obj: Obj) -> None:
            obj["metadata"]["annotations"] = annotations
            obj["spec"]["replicas"] = asked
            obj["spec"]["minReadySeconds"] = ready_for

        return self._access.change(REPLICA_SET, (metadata["namespace"], metadata["name"]), edit)

    def _renumber(self, sets: Sets) -> Sets:
        """A replica set that has become the newest again (an undone rollout) gets the next number."""
        assert sets.new is not None
        latest = max(map(_number, sets.old), default=0)
        if _number(sets.new) > latest:
            return sets
        metadata = sets.new["metadata"]
        earlier = metadata["annotations"].get(REVISION)
        history = metadata["annotations"].get(_HISTORY)
        numbers = {REVISION: str(latest + 1)}
        if earlier:
            numbers[_HISTORY] = f"{history},{earlier}" if history else earlier
        key = (metadata["namespace"], metadata["name"])
        new = self._access.change(
            REPLICA_SET, key, lambda obj: obj["metadata"]["annotations"].update(numbers)
        )
        return Sets(new, sets.old, sets.made)

    def _forget(self, deployment: Obj, old: list[Obj]) -> None:
        """Delete idle replica sets beyond the history limit, oldest first."""
        idle = [each for each in old if not each["spec"]["replicas"] and not _actual(each)]
        surplus = len(idle) - deployment["spec"].get("revisionHistoryLimit", 10)
        for each in sorted(idle, key=_number)[: max(surplus, 0)]:
            metadata = each["metadata"]
            self._access.delete(REPLICA_SET, (metadata["namespace"], metadata["name"]))

    def _part_with_pods(self, replica_set: Obj) -> Part:
        """Counting pods that are still stopping too, for which a Recreate waits."""
        pods = [facts_of(each) for each in self._pods.revisions(replica_set["metadata"]["uid"])]
        part = _part(replica_set)
        left = sum(not pod.ended for pod in pods)
        return Part(part.name, part.asked, max(part.actual, left), part.available)

    def _write_status(self, key: Key, deployment: Obj, sets: Sets, number: str | None) -> None:
        status = deployment_status(deployment, sets)
        written = {**deployment, "metadata": dict(deployment["metadata"]), "status": status}
        if number is not None:
            annotations = deployment["metadata"].get("annotations") or {}
            written["metadata"]["annotations"] = {**annotations, REVISION: number}
        self._access.write(DEPLOYMENT, deployment, written)
        left = seconds_to_deadline(deployment["spec"], status)
        if left is not None:
            self.worklist.add_later(key, left)


def _copied(deployment: Obj) -> dict[str, str]:
    annotations = deployment["metadata"].get("annotations") or {}
    return {key: value for key, value in annotations.items() if key not in _NOT_COPIED}


def _sizes(deployment: Obj) -> dict[str, str]:
    spec = deployment["spec"]
    desired = spec.get("replicas", 1)
    rolling = spec.get("strategy", {}).get("rollingUpdate")
    surge = limits_of(desired, rolling).surge if rolling is not None else 0
    return {_DESIRED: str(desired), _MOST: str(desired + surge)}


def _number(replica_set: Obj) -> int:
    text = (replica_set["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _actual(replica_set: Obj) -> int:
    found: int = (replica_set.get("status") or {}).get("replicas", 0)
    return found


def _part(replica_set: Obj) -> Part:
    available = (replica_set.get("status") or {}).get("availableReplicas", 0)
    return Part(
        replica_set["metadata"]["name"], replica_set["spec"]["replicas"], _actual(replica_set), available
    )
