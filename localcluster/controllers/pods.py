"""Scheduler and kubelet: pods get the simulated node, run, become ready, end, and stop when deleted."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping

from localcluster.cluster import Cluster
from localcluster.controllers.access import CLAIM, NODE, POD, Access, Kind
from localcluster.controllers.addresses import Addresses
from localcluster.controllers.conditions import find, put
from localcluster.controllers.directives import PREFIX, Directives, Failure, annotations_of
from localcluster.controllers.node import NODE_NAME, SCHEDULER, make_node, node_status, refusal_of
from localcluster.controllers.ownership import Owned, controller_of
from localcluster.controllers.pod_status import CRASHES, Report, State, status_of
from localcluster.controllers.settings import WorkloadSettings
from localcluster.housekeeping.worklist import Worklist
from localcluster.store.revision import Change, Key, Obj, Revision

_SHOWN_SECONDS = 0.5
"""A pod that takes longer than this to become ready is seen in ContainerCreating before."""

_LONGEST_BACK_OFF = 10
"""After so many restarts the time between two doubles no more."""

_FAILING = {
    Failure.CRASH_LOOP: State.CRASHING,
    Failure.IMAGE_PULL: State.PULLING,
    Failure.NEVER_READY: State.UNREADY,
}
_SELECTED_NODE = "volume.kubernetes.io/selected-node"


class Pods:
    """`owners` are the kinds whose annotations direct the pods that they control."""

    def __init__(
        self, cluster: Cluster, settings: WorkloadSettings, pods: Owned, owners: Mapping[str, Kind]
    ) -> None:
        self._settings = settings
        self._pods = pods
        self._owners = owners
        self._scheduler = Access(cluster, "kube-scheduler")
        self._kubelet = Access(cluster, "kubelet")
        self._addresses = Addresses()
        self._started: dict[str, float] = {}
        self._waiting: dict[Key, None] = {}
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        if self._kubelet.revision(NODE, ("", NODE_NAME)) is None:
            node = self._kubelet.create(make_node())
            self._kubelet.write_status(NODE, node, node_status())
        for revision in self._kubelet.snapshot(POD):
            address = (revision.load().get("status") or {}).get("podIP")
            if address:
                self._addresses.hold(revision.key, address)
            self.worklist.add(revision.key)
        self._kubelet.listen(POD, self._pod_changed)
        self._kubelet.listen(CLAIM, self._place_changed)
        self._kubelet.listen(NODE, self._place_changed)
        for kind in self._owners.values():
            self._kubelet.listen(kind, self._owner_changed)
        self.worklist.start()

    def _pod_changed(self, change: Change) -> None:
        if change.after is None:
            assert change.before is not None
            self._addresses.release(change.key)
            self._started.pop(change.before.uid, None)
            self._waiting.pop(change.key, None)
        else:
            self.worklist.add(change.key)

    def _place_changed(self, change: Change) -> None:
        """A node or a claim is not what it was: pods that could not be placed may be now."""
        namespace = change.key[0]
        for key in self._waiting:
            if namespace in ("", key[0]):
                self.worklist.add(key)

    def _owner_changed(self, change: Change) -> None:
        if change.after and change.before and _directions(change.after) != _directions(change.before):
            for key in self._pods.keys(change.after.uid):
                self.worklist.add(key)

    def reconcile(self, key: Key) -> None:
        pod = self._kubelet.get(POD, key)
        if pod is None:
            return
        node = pod["spec"].get("nodeName")
        if node == NODE_NAME and "deletionTimestamp" in pod["metadata"]:
            self._stop(key, pod)
        elif node == NODE_NAME:
            self._run(key, pod)
        elif not node and pod["spec"].get("schedulerName", SCHEDULER) == SCHEDULER:
            self._schedule(key, pod)

    def _directives(self, pod: Obj) -> Directives:
        owner = controller_of(pod)
        kind = self._owners.get(owner.kind)
        controller = self._kubelet.get(kind, (pod["metadata"]["namespace"], owner.name)) if kind else None
        given = [annotations_of(pod)]
        if controller is not None and controller["metadata"]["uid"] == owner.uid:
            given.append(annotations_of(controller))
        return Directives.read(self._settings.delay, *given)

    def _schedule(self, key: Key, pod: Obj) -> None:
        if pod["spec"].get("schedulingGates"):
            self._refuse(pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")
            return
        why = self._why_not_placed(pod)
        if why is not None:
            self._waiting[key] = None
            self._refuse(pod, "Unschedulable", f"0/1 nodes are available: {why}.")
            return
        self._waiting.pop(key, None)
        placed = {**pod, "spec": {**pod["spec"], "nodeName": NODE_NAME}, "metadata": dict(pod["metadata"])}
        placed["status"] = _with_scheduled(pod, {"status": "True"})
        self._scheduler.write(POD, pod, placed, subresource=None)

    def _why_not_placed(self, pod: Obj) -> str | None:
        if self._directives(pod).failure is Failure.UNSCHEDULABLE:
            return "1 Insufficient cpu"
        node = self._kubelet.get(NODE, ("", NODE_NAME))
        if node is None:
            return "no nodes available to schedule pods"
        return refusal_of(pod["spec"], node) or self._claims_not_bound(pod)

    def _claims_not_bound(self, pod: Obj) -> str | None:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if "ephemeral" in volume:
                name = f"{pod['metadata']['name']}-{volume['name']}"
            if not name:
                continue
            claim = self._scheduler.get(CLAIM, (namespace, name))
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if (claim.get("status") or {}).get("phase") != "Bound":
                self._ask_for_volume(namespace, claim)
                return "pod has unbound immediate PersistentVolumeClaims"
        return None

    def _ask_for_volume(self, namespace: str, claim: Obj) -> None:
        """Volumes of some classes are made only for a claim that a pod waits for."""
        if _SELECTED_NODE not in annotations_of(claim):
            self._scheduler.change(
                CLAIM,
                (namespace, claim["metadata"]["name"]),
                lambda obj: obj["metadata"].setdefault("annotations", {}).update({_SELECTED_NODE: NODE_NAME}),
            )

    def _refuse(self, pod: Obj, reason: str, message: str) -> None:
        wanted = {"status": "False", "reason": reason, "message": message}
        if self._scheduler.write_status(POD, pod, _with_scheduled(pod, wanted)):
            self._scheduler.warn(pod, "FailedScheduling", message)

    def _run(self, key: Key, pod: Obj) -> None:
        status = pod.get("status") or {}
        if status.get("phase") in ("Succeeded", "Failed"):
            return
        uid, directives = pod["metadata"]["uid"], self._directives(pod)
        moment = asyncio.get_running_loop().time()
        begun = self._started.setdefault(uid, moment if status.get("phase") != "Running" else -math.inf)
        state, again_in = _state(pod, directives, moment - begun)
        if again_in is not None and math.isfinite(again_in):
            self.worklist.add_later(key, again_in)
        restarts = CRASHES if state is State.CRASHING else _restarts(status)
        if state is State.CREATING and (restarts or directives.ready_after < _SHOWN_SECONDS):
            return
        if state is State.FAILED and pod["spec"].get("restartPolicy") == "OnFailure":
            self._started[uid] = moment + self._settings.delay * 2 ** min(restarts, _LONGEST_BACK_OFF)
            state, restarts = State.CRASHING, restarts + 1
        report = Report(state, self._addresses.give(key), restarts)
        wanted = status_of(pod, report)
        if self._kubelet.write_status(POD, pod, wanted) and state in (State.CRASHING, State.PULLING):
            waiting = wanted["containerStatuses"][0]["state"]["waiting"]
            self._kubelet.warn(pod, "BackOff", waiting["message"])

    def _stop(self, key: Key, pod: Obj) -> None:
        """Its containers end within the delay, or the grace period where that is shorter."""
        metadata = pod["metadata"]
        grace = metadata.get("deletionGracePeriodSeconds") or 0
        lasts = min(grace, self._settings.delay)
        stopping = f"stop/{metadata['uid']}"
        moment = asyncio.get_running_loop().time()
        begun = self._started.setdefault(stopping, moment)
        if moment - begun < lasts:
            self.worklist.add_later(key, begun + lasts - moment)
            return
        self._started.pop(stopping, None)
        self._kubelet.delete(POD, key, grace_seconds=0)


def _state(pod: Obj, directives: Directives, elapsed: float) -> tuple[State, float | None]:
    """Where a pod is after so many seconds on its node, and in how many more to look again."""
    if elapsed < directives.ready_after:
        return State.CREATING, directives.ready_after - elapsed
    failing = _FAILING.get(directives.failure) if directives.failure else None
    if failing is not None:
        return failing, None
    if pod["spec"].get("restartPolicy", "Always") == "Always":
        return State.RUNNING, None
    finish = directives.ready_after + directives.finish_after
    if elapsed < finish or math.isinf(finish):
        return State.RUNNING, finish - elapsed
    return (State.FAILED if directives.failure is Failure.JOB_FAILS else State.SUCCEEDED), None


def _restarts(status: Obj) -> int:
    return max((each.get("restartCount", 0) for each in status.get("containerStatuses") or ()), default=0)


def _with_scheduled(pod: Obj, wanted: Obj) -> Obj:
    status = dict(pod.get("status") or {})
    conditions = [dict(each) for each in status.get("conditions") or ()]
    generation = pod["metadata"].get("generation")
    condition = {"type": "PodScheduled", "lastProbeTime": None, **wanted}
    if generation:
        condition["observedGeneration"] = generation
    before = find(conditions, "PodScheduled")
    if before is None or any(before.get(name) != value for name, value in condition.items()):
        put(conditions, condition)
    status["conditions"] = conditions
    return status


def _directions(revision: Revision) -> dict[str, str]:
    if PREFIX.encode() not in revision.raw:
        return {}
    annotations = annotations_of(revision.load())
    return {key: value for key, value in annotations.items() if key.startswith(PREFIX)}
