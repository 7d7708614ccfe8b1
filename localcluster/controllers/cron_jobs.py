"""CronJobs: a Job whenever one is due, and a bounded history of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from localcluster.clock import now, parse, stamp
from localcluster.cluster import Cluster
from localcluster.controllers.access import CRON_JOB, JOB, Access
from localcluster.controllers.conditions import is_true
from localcluster.controllers.cron_schedule import BadSchedule, Schedule, parse_schedule
from localcluster.controllers.job_status import is_finished
from localcluster.controllers.ownership import Owned, reference_to
from localcluster.housekeeping.worklist import Worklist
from localcluster.status import Refusal
from localcluster.store.revision import Key, Obj

_SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_MOST_MISSED = 10_000


class CronJobs:
    def __init__(self, cluster: Cluster, jobs: Owned) -> None:
        self._access = Access(cluster)
        self._jobs = jobs
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._jobs.tell(CRON_JOB, self.worklist.add)
        self._access.listen(CRON_JOB, lambda change: self.worklist.add(change.key))
        for revision in self._access.snapshot(CRON_JOB):
            self.worklist.add(revision.key)
        self.worklist.start()

    def reconcile(self, key: Key) -> None:
        owner = self._access.get(CRON_JOB, key)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        jobs = self._jobs.objects(owner["metadata"]["uid"])
        began = None
        schedule = _schedule(owner)
        if schedule is not None and not owner["spec"].get("suspend"):
            began = self._begin_due(owner, jobs, schedule)
            coming = schedule.after(now())
            if coming is not None:
                self.worklist.add_later(key, (coming - now()).total_seconds() + 0.01)
        jobs = self._jobs.objects(owner["metadata"]["uid"])
        self._forget(owner["spec"], jobs)
        self._access.write_status(CRON_JOB, owner, _status(owner, jobs, began))

    def _begin_due(self, owner: Obj, jobs: list[Obj], schedule: Schedule) -> datetime | None:
        """Start the Job of the last due time, if there is one that has had none; returns that time."""
        due = _last_due(owner, schedule)
        if due is None:
            return None
        spec = owner["spec"]
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and due + timedelta(seconds=deadline) < now():
            return None
        active = [job for job in jobs if not is_finished(job)]
        policy = spec.get("concurrencyPolicy", "Allow")
        if active and policy == "Forbid":
            return None
        if policy == "Replace":
            for job in active:
                self._access.delete(JOB, _key(job))
        try:
            self._access.create(_job(owner, due))
        except Refusal as refusal:
            if refusal.reason != "AlreadyExists":
                raise
        return due

    def _forget(self, spec: Obj, jobs: list[Obj]) -> None:
        for outcome, field, default in (
            ("Complete", "successfulJobsHistoryLimit", 3),
            ("Failed", "failedJobsHistoryLimit", 1),
        ):
            ended = [job for job in jobs if is_true(job, outcome)]
            ended.sort(key=lambda job: job["metadata"]["creationTimestamp"])
            surplus = len(ended) - spec.get(field, default)
            for job in ended[: max(surplus, 0)]:
                self._access.delete(JOB, _key(job))


def _schedule(owner: Obj) -> Schedule | None:
    try:
        return parse_schedule(owner["spec"]["schedule"], owner["spec"].get("timeZone"))
    except BadSchedule:
        return None


def _last_due(owner: Obj, schedule: Schedule) -> datetime | None:
    """The last time at or before now for which no Job was begun yet."""
    moment = now()
    known = (owner.get("status") or {}).get("lastScheduleTime") or owner["metadata"]["creationTimestamp"]
    since = parse(known) or moment
    found = None
    for _ in range(_MOST_MISSED):
        coming = schedule.after(found or since)
        if coming is None or coming > moment:
            return found
        found = coming
    return found


def _key(job: Obj) -> Key:
    return (job["metadata"]["namespace"], job["metadata"]["name"])


def _job(owner: Obj, due: datetime) -> Obj:
    metadata, template = owner["metadata"], owner["spec"]["jobTemplate"]
    given = template.get("metadata") or {}
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.name,
        "metadata": {
            "name": f"{metadata['name']}-{int(due.timestamp()) // 60}",
            "namespace": metadata["namespace"],
            "labels": dict(given.get("labels") or {}),
            "annotations": {**(given.get("annotations") or {}), _SCHEDULED: stamp(due)},
            "ownerReferences": [reference_to(owner)],
        },
        "spec": template["spec"],
    }


def _status(owner: Obj, jobs: list[Obj], began: datetime | None) -> Obj:
    status = dict(owner.get("status") or {})
    active = [_reference(job) for job in jobs if not is_finished(job)]
    if active:
        status["active"] = active
    else:
        status.pop("active", None)
    if began is not None:
        status["lastScheduleTime"] = stamp(began)
    done = [job["status"].get("completionTime", "") for job in jobs if is_true(job, "Complete")]
    latest = max([*done, status.get("lastSuccessfulTime", "")])
    if latest:
        status["lastSuccessfulTime"] = latest
    return status


def _reference(job: Obj) -> Obj:
    metadata = job["metadata"]
    return {
        "kind": JOB.name,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": JOB.api_version,
        "resourceVersion": metadata["resourceVersion"],
    }
