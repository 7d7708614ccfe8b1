"""StatefulSets: numbered pods with claims of their own, made, replaced and removed in order."""

from __future__ import annotations

from localcluster.cluster import Cluster
from localcluster.controllers.access import CLAIM, POD, STATEFUL_SET, Access
from localcluster.controllers.conditions import without_empty
from localcluster.controllers.ordinals import Replica, SetSpec, plan
from localcluster.controllers.ownership import Owned, reference_to
from localcluster.controllers.pod_facts import PodFacts, facts_of
from localcluster.controllers.revisions import HASH_LABEL, Revisions, Wanted, template_of
from localcluster.controllers.templates import pod_from
from localcluster.housekeeping.worklist import Worklist
from localcluster.status import Refusal
from localcluster.store.revision import Key, Obj

_BURST = 50


class StatefulSets:
    def __init__(self, cluster: Cluster, pods: Owned, revisions: Owned) -> None:
        self._access = Access(cluster)
        self._pods = pods
        self._revisions = Revisions(self._access, revisions)
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._pods.tell(STATEFUL_SET, self.worklist.add)
        self._access.listen(STATEFUL_SET, lambda change: self.worklist.add(change.key))
        for revision in self._access.snapshot(STATEFUL_SET):
            self.worklist.add(revision.key)
        self.worklist.start()

    def reconcile(self, key: Key) -> None:
        owner = self._access.get(STATEFUL_SET, key)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        wanted = self._revisions.record(owner)
        pods = self._present(owner)
        spec = _set_spec(owner, wanted, self._current(owner, wanted))
        ready_for = owner["spec"].get("minReadySeconds", 0)
        step = plan(spec, {ordinal: _replica(ordinal, pod, ready_for) for ordinal, pod in pods.items()})
        for ordinal in step.delete[:_BURST]:
            self._access.delete(POD, pods[ordinal].key)
        refused = self._make_all(owner, dict(list(step.make.items())[:_BURST]), wanted)
        if len(step.make) > _BURST or len(step.delete) > _BURST:
            self.worklist.add(key)
        pods = self._present(owner)
        soonest = [pod.seconds_until_available(ready_for) for pod in pods.values() if pod.ready]
        if any(seconds > 0 for seconds in soonest):
            self.worklist.add_later(key, min(seconds for seconds in soonest if seconds > 0))
        self._access.write_status(STATEFUL_SET, owner, _status(owner, spec, list(pods.values())))
        self._revisions.forget(owner, wanted, [spec.current, *(_mark(pod) for pod in pods.values())])
        if refused is not None:
            raise refused

    def _make_all(self, owner: Obj, marks: dict[int, str], wanted: Wanted) -> Refusal | None:
        """Make pods of these ordinals and revisions, up to the first that is refused."""
        try:
            for ordinal, mark in marks.items():
                self._make(owner, ordinal, mark, wanted)
        except Refusal as refusal:
            return refusal
        return None

    def _present(self, owner: Obj) -> dict[int, PodFacts]:
        name = owner["metadata"]["name"]
        found = {}
        for revision in self._pods.revisions(owner["metadata"]["uid"]):
            number = revision.key[1].removeprefix(f"{name}-")
            if number.isascii() and number.isdigit():
                found[int(number)] = facts_of(revision)
        return found

    def _current(self, owner: Obj, wanted: Wanted) -> str:
        """The hash of the revision that the last complete rollout was of."""
        name = (owner.get("status") or {}).get("currentRevision")
        for each in wanted.all:
            if each["metadata"]["name"] == name:
                label: str = each["metadata"]["labels"][HASH_LABEL]
                return label
        return wanted.hash

    def _make(self, owner: Obj, ordinal: int, mark: str, wanted: Wanted) -> None:
        metadata, spec = owner["metadata"], owner["spec"]
        name = f"{metadata['name']}-{ordinal}"
        by_hash = {each["metadata"]["labels"][HASH_LABEL]: each for each in wanted.all}
        template = template_of(by_hash.get(mark, wanted.newest))
        labels = {
            "apps.kubernetes.io/pod-index": str(ordinal),
            HASH_LABEL: mark,
            "statefulset.kubernetes.io/pod-name": name,
        }
        pod = pod_from(owner, template, {"name": name}, labels)
        pod["spec"]["hostname"] = name
        if spec.get("serviceName"):
            pod["spec"]["subdomain"] = spec["serviceName"]
        claims = spec.get("volumeClaimTemplates") or []
        for claim in claims:
            self._claim(owner, claim, name)
        names = {claim["metadata"]["name"] for claim in claims}
        others = [each for each in pod["spec"].get("volumes") or () if each["name"] not in names]
        mounted = [
            {"name": each, "persistentVolumeClaim": {"claimName": f"{each}-{name}"}} for each in sorted(names)
        ]
        if mounted or others:
            pod["spec"]["volumes"] = [*mounted, *others]
        if self._access.revision(POD, (metadata["namespace"], name)) is None:
            self._access.create(pod)

    def _claim(self, owner: Obj, template: Obj, pod: str) -> None:
        """The pod's claim by a template; one that was left by an earlier pod is used again."""
        given, namespace = template["metadata"], owner["metadata"]["namespace"]
        name = f"{given['name']}-{pod}"
        if self._access.revision(CLAIM, (namespace, name)) is not None:
            return
        selector = owner["spec"]["selector"].get("matchLabels") or {}
        metadata: Obj = {
            "name": name,
            "namespace": namespace,
            "labels": {**selector, **(given.get("labels") or {})},
        }
        if given.get("annotations"):
            metadata["annotations"] = given["annotations"]
        retention = owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        if retention.get("whenDeleted") == "Delete":
            metadata["ownerReferences"] = [reference_to(owner)]
        self._access.create(
            {
                "apiVersion": CLAIM.api_version,
                "kind": CLAIM.name,
                "metadata": metadata,
                "spec": template["spec"],
            }
        )


def _mark(pod: PodFacts) -> str:
    return pod.labels.get(HASH_LABEL, "")


def _replica(ordinal: int, pod: PodFacts, ready_seconds: int) -> Replica:
    healthy = pod.active and pod.available(ready_seconds)
    return Replica(ordinal, _mark(pod), healthy, pod.terminating, pod.ended)


def _set_spec(owner: Obj, wanted: Wanted, current: str) -> SetSpec:
    spec = owner["spec"]
    strategy = spec.get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    return SetSpec(
        start=(spec.get("ordinals") or {}).get("start", 0),
        replicas=spec.get("replicas", 1),
        ordered=spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady",
        partition=None if strategy.get("type") == "OnDelete" else partition,
        current=current,
        update=wanted.hash,
    )


def _status(owner: Obj, spec: SetSpec, pods: list[PodFacts]) -> Obj:
    name = owner["metadata"]["name"]
    ready_for = owner["spec"].get("minReadySeconds", 0)
    standing = [pod for pod in pods if not pod.terminating]
    counts = {
        "replicas": len(pods),
        "readyReplicas": sum(pod.ready for pod in standing),
        "availableReplicas": sum(pod.available(ready_for) for pod in standing),
        "currentReplicas": sum(_mark(pod) == spec.current for pod in standing),
        "updatedReplicas": sum(_mark(pod) == spec.update for pod in standing),
    }
    current = spec.current
    complete = counts["updatedReplicas"] == counts["replicas"] == counts["readyReplicas"]
    if spec.partition is not None and complete:
        current, counts["currentReplicas"] = spec.update, counts["updatedReplicas"]
    status = without_empty({"observedGeneration": owner["metadata"].get("generation", 0), **counts})
    return status | {
        "replicas": counts["replicas"],
        "availableReplicas": counts["availableReplicas"],
        "currentRevision": f"{name}-{current}",
        "updateRevision": f"{name}-{spec.update}",
        "collisionCount": 0,
    }
