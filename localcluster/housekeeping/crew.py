"""All of housekeeping, started and stopped together."""

from __future__ import annotations

from typing import Any

from localcluster.cluster import Cluster
from localcluster.housekeeping.account_tokens import AccountTokens
from localcluster.housekeeping.aggregation import RoleAggregation
from localcluster.housekeeping.api_services import ApiServices
from localcluster.housekeeping.definitions import Definitions
from localcluster.housekeeping.garbage import GarbageCollector
from localcluster.housekeeping.lost_pods import LostPods
from localcluster.housekeeping.namespaces import Namespaces
from localcluster.housekeeping.protection import VolumeProtection
from localcluster.housekeeping.quota_status import QuotaStatus
from localcluster.housekeeping.worklist import Worklist


class Housekeeping:
    def __init__(self, cluster: Cluster, authority: bytes | None) -> None:
        self.definitions = Definitions(cluster)
        self.api_services = ApiServices(cluster)
        self.aggregation = RoleAggregation(cluster)
        self.garbage = GarbageCollector(cluster)
        self.lost_pods = LostPods(cluster)
        self.namespaces = Namespaces(cluster, authority)
        self.protection = VolumeProtection(cluster)
        self.account_tokens = AccountTokens(cluster, authority)
        self.quota_status = QuotaStatus(cluster)

    def _worklists(self) -> list[Worklist[Any]]:
        parts = (
            self.definitions,
            self.api_services,
            self.aggregation,
            self.garbage,
            self.lost_pods,
            self.namespaces,
            self.protection,
            self.account_tokens,
            self.quota_status,
        )
        return [part.worklist for part in parts]

    def start(self) -> None:
        """Begin to act; before this, changes are only noted."""
        self.definitions.publish_stored()
        for worklist in self._worklists():
            worklist.start()

    def stop(self) -> None:
        for worklist in self._worklists():
            worklist.stop()
