"""All simulated controllers, started and stopped together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from localcluster.cluster import Cluster
from localcluster.controllers.access import (
    DAEMON_SET,
    ENDPOINT_SLICE,
    JOB,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    REVISION,
    STATEFUL_SET,
    Access,
)
from localcluster.controllers.autoscalers import Autoscalers
from localcluster.controllers.claims import Claims
from localcluster.controllers.cron_jobs import CronJobs
from localcluster.controllers.daemon_sets import DaemonSets
from localcluster.controllers.deployments import Deployments
from localcluster.controllers.disruption import DisruptionBudgets
from localcluster.controllers.entrances import balancers, ingresses
from localcluster.controllers.jobs import Jobs
from localcluster.controllers.labelled import Labelled
from localcluster.controllers.ownership import Owned
from localcluster.controllers.pods import Pods
from localcluster.controllers.replicas import Replicas
from localcluster.controllers.services import Services
from localcluster.controllers.settings import WorkloadSettings
from localcluster.controllers.stateful_sets import StatefulSets
from localcluster.housekeeping.worklist import Worklist

_POD_OWNERS = (REPLICA_SET, REPLICATION_CONTROLLER, STATEFUL_SET, DAEMON_SET, JOB)


class Controller(Protocol):
    """Listens and acts from `start` on, in the steps of its worklist."""

    worklist: Worklist[Any]

    def start(self) -> None: ...


class Workloads:
    """Every simulated controller, on indexes that they share."""

    def __init__(self, cluster: Cluster, settings: WorkloadSettings) -> None:
        access = Access(cluster)
        self._enabled = settings.enabled
        self._pods = Owned(access, POD)
        self._pods_by_label = Labelled(access, POD)
        self._replica_sets = Owned(access, REPLICA_SET)
        self._revisions = Owned(access, REVISION)
        self._jobs = Owned(access, JOB)
        self._slices = Owned(access, ENDPOINT_SLICE)
        self._controllers = list(self._make(cluster, settings))

    def _make(self, cluster: Cluster, settings: WorkloadSettings) -> Iterator[Controller]:
        yield Deployments(cluster, self._replica_sets, self._pods)
        yield Replicas(cluster, REPLICA_SET, self._pods)
        yield Replicas(cluster, REPLICATION_CONTROLLER, self._pods)
        yield StatefulSets(cluster, self._pods, self._revisions)
        yield DaemonSets(cluster, self._pods, self._revisions)
        yield Jobs(cluster, settings, self._pods)
        yield CronJobs(cluster, self._jobs)
        yield Pods(cluster, settings, self._pods, {kind.name: kind for kind in _POD_OWNERS})
        yield Claims(cluster, settings)
        yield Services(cluster, self._pods_by_label, self._slices)
        yield balancers(cluster, settings)
        yield ingresses(cluster, settings)
        yield Autoscalers(cluster)
        yield DisruptionBudgets(cluster, self._pods_by_label)

    def start(self) -> None:
        """Begin to act, also on what is there already."""
        if not self._enabled:
            return
        # Indexes hear of a change before those who look into them.
        for index in (self._pods, self._replica_sets, self._revisions, self._jobs, self._slices):
            index.start()
        self._pods_by_label.start()
        for controller in self._controllers:
            controller.start()

    def stop(self) -> None:
        for controller in self._controllers:
            controller.worklist.stop()
