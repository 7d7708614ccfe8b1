"""Jobs: pods until enough have succeeded or too many have failed, and removal of what is finished."""

from __future__ import annotations

import asyncio

from localcluster.clock import now, parse
from localcluster.cluster import Cluster
from localcluster.controllers.access import JOB, POD, Access
from localcluster.controllers.conditions import find
from localcluster.controllers.job_status import (
    Tally,
    end_of,
    free_indexes,
    is_finished,
    job_status,
    missing_pods,
    seconds_to_deadline,
)
from localcluster.controllers.ownership import Owned
from localcluster.controllers.pod_facts import COMPLETION_INDEX, facts_of
from localcluster.controllers.settings import WorkloadSettings
from localcluster.controllers.templates import pod_from
from localcluster.housekeeping.worklist import Worklist
from localcluster.store.revision import Change, Key, Obj

_BURST = 50
_LONGEST_BACK_OFF = 360.0
_MANAGER = "kubernetes.io/job-controller"


class Jobs:
    """A Job's failed pods are replaced after the workload delay, twice that after the next, and so on.

    Not simulated: pod failure policies, success policies, back-off limits per index.
    """

    def __init__(self, cluster: Cluster, settings: WorkloadSettings, pods: Owned) -> None:
        self._access = Access(cluster)
        self._settings = settings
        self._pods = pods
        self._ended: dict[str, dict[str, str]] = {}
        self._retry_at: dict[str, tuple[int, float]] = {}
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._pods.tell(JOB, self.worklist.add)
        self._access.listen(JOB, self._job_changed)
        for revision in self._access.snapshot(JOB):
            self.worklist.add(revision.key)
        self.worklist.start()

    def _job_changed(self, change: Change) -> None:
        if change.after is None and change.before is not None:
            self._ended.pop(change.before.uid, None)
            self._retry_at.pop(change.before.uid, None)
        self.worklist.add(change.key)

    def reconcile(self, key: Key) -> None:
        job = self._access.get(JOB, key)
        if job is None or "deletionTimestamp" in job["metadata"]:
            return
        if job["spec"].get("managedBy", _MANAGER) != _MANAGER:
            return
        if is_finished(job):
            self._remove_in_time(key, job)
            return
        tally = self._tally(job)
        end = end_of(job, tally)
        if end is not None or job["spec"].get("suspend"):
            for pod in tally.active[:_BURST]:
                self._access.delete(POD, pod.key)
        else:
            self._match(key, job, tally)
        self._access.write_status(JOB, job, job_status(job, self._tally(job), end))
        left = seconds_to_deadline(job)
        if end is None and left is not None and left > 0:
            self.worklist.add_later(key, left)

    def _tally(self, job: Obj) -> Tally:
        uid, status = job["metadata"]["uid"], job.get("status") or {}
        pods = [facts_of(revision) for revision in self._pods.revisions(uid)]
        ended = self._ended.setdefault(uid, {})
        ended.update({pod.uid: pod.phase for pod in pods if pod.ended})
        phases = list(ended.values())
        # Pods that were deleted before this process began are known from the status alone.
        return Tally(
            pods,
            max(phases.count("Succeeded"), status.get("succeeded", 0)),
            max(phases.count("Failed"), status.get("failed", 0)),
        )

    def _match(self, key: Key, job: Obj, tally: Tally) -> None:
        missing = missing_pods(job["spec"], tally)
        for pod in tally.active[: min(max(-missing, 0), _BURST)]:
            self._access.delete(POD, pod.key)
        if missing <= 0:
            return
        wait = self._seconds_to_retry(job["metadata"]["uid"], tally.failed)
        if wait > 0:
            self.worklist.add_later(key, wait)
            return
        if missing > _BURST:
            self.worklist.add(key)
        count = min(missing, _BURST)
        if job["spec"].get("completionMode") == "Indexed":
            for index in free_indexes(job["spec"], tally)[:count]:
                self._access.create(_indexed_pod(job, index))
        else:
            for _ in range(count):
                self._access.create(_pod(job, f"{job['metadata']['name']}-"))

    def _seconds_to_retry(self, uid: str, failed: int) -> float:
        if not failed:
            return 0.0
        moment = asyncio.get_running_loop().time()
        known, at = self._retry_at.get(uid, (0, 0.0))
        if failed > known:
            at = moment + min(self._settings.delay * 2 ** min(failed - 1, 20), _LONGEST_BACK_OFF)
            self._retry_at[uid] = (failed, at)
        return at - moment

    def _remove_in_time(self, key: Key, job: Obj) -> None:
        lives = job["spec"].get("ttlSecondsAfterFinished")
        if lives is None:
            return
        conditions = job["status"]["conditions"]
        final = find(conditions, "Complete") or find(conditions, "Failed")
        since = parse(final["lastTransitionTime"]) if final else None
        left = lives - (now() - since).total_seconds() if since else 0.0
        if left > 0:
            self.worklist.add_later(key, left)
        else:
            self._access.delete(JOB, key)


def _pod(job: Obj, prefix: str) -> Obj:
    metadata = job["metadata"]
    labels = {
        "batch.kubernetes.io/controller-uid": metadata["uid"],
        "batch.kubernetes.io/job-name": metadata["name"],
        "controller-uid": metadata["uid"],
        "job-name": metadata["name"],
    }
    return pod_from(job, job["spec"]["template"], {"generateName": prefix}, labels)


def _indexed_pod(job: Obj, index: int) -> Obj:
    name = f"{job['metadata']['name']}-{index}"
    pod = _pod(job, f"{name}-")
    metadata = pod["metadata"]
    metadata["labels"][COMPLETION_INDEX] = str(index)
    metadata["annotations"] = {**(metadata.get("annotations") or {}), COMPLETION_INDEX: str(index)}
    pod["spec"]["hostname"] = name
    source = {"fieldRef": {"fieldPath": f"metadata.labels['{COMPLETION_INDEX}']"}}
    for container in pod["spec"]["containers"]:
        container.setdefault("env", []).append({"name": "JOB_COMPLETION_INDEX", "valueFrom": source})
    return pod
