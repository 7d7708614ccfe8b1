"""Addresses by which a cluster is entered: of LoadBalancer Services and of Ingresses."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

from localcluster.cluster import Cluster
from localcluster.controllers.access import INGRESS, SERVICE, Access, Kind
from localcluster.controllers.directives import Directives, Failure, annotations_of
from localcluster.controllers.settings import WorkloadSettings
from localcluster.housekeeping.worklist import Worklist
from localcluster.store.revision import Change, Key, Obj

BALANCER_NETWORK = IPv4Network("198.51.100.0/24")
INGRESS_ADDRESS = "203.0.113.10"
"""Both from the networks that are kept for documentation, so that nobody is reached by mistake."""


class Entrances:
    """Gives each object of a kind the entry that `entry_of` says, a while after it was first seen."""

    def __init__(
        self,
        cluster: Cluster,
        settings: WorkloadSettings,
        kind: Kind,
        entry_of: Callable[[Obj], Obj | None],
    ) -> None:
        self._access = Access(cluster)
        self._settings = settings
        self._kind = kind
        self._entry_of = entry_of
        self._seen: dict[str, float] = {}
        self.worklist: Worklist[Key] = Worklist(self.reconcile, retries=True)

    def start(self) -> None:
        self._access.listen(self._kind, self._hear)
        for revision in self._access.snapshot(self._kind):
            self.worklist.add(revision.key)
        self.worklist.start()

    def _hear(self, change: Change) -> None:
        if change.after is not None:
            self.worklist.add(change.key)
        elif change.before is not None:
            self._seen.pop(change.before.uid, None)

    def reconcile(self, key: Key) -> None:
        obj = self._access.get(self._kind, key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return
        entry, status = self._entry_of(obj), obj.get("status") or {}
        directives = Directives.read(self._settings.delay, annotations_of(obj))
        if entry is None or directives.failure is Failure.NEVER_READY:
            if status.get("loadBalancer"):
                self._access.write_status(self._kind, obj, {**status, "loadBalancer": {}})
            return
        moment = asyncio.get_running_loop().time()
        left = self._seen.setdefault(obj["metadata"]["uid"], moment) + directives.ready_after - moment
        if left > 0:
            self.worklist.add_later(key, left)
        else:
            self._access.write_status(self._kind, obj, {**status, "loadBalancer": {"ingress": [entry]}})


def service_entry(service: Obj) -> Obj | None:
    """An address of the Service's own; None for Services without a balancer, or with somebody else's."""
    spec = service["spec"]
    if spec.get("type") != "LoadBalancer" or spec.get("loadBalancerClass"):
        return None
    digest = hashlib.sha256(service["metadata"]["uid"].encode()).digest()
    offset = 1 + digest[0] % (BALANCER_NETWORK.num_addresses - 2)
    address = spec.get("loadBalancerIP") or str(IPv4Address(int(BALANCER_NETWORK.network_address) + offset))
    return {"ip": address, "ipMode": "VIP"}


def ingress_entry(_: Obj) -> Obj | None:
    return {"ip": INGRESS_ADDRESS}


def balancers(cluster: Cluster, settings: WorkloadSettings) -> Entrances:
    return Entrances(cluster, settings, SERVICE, service_entry)


def ingresses(cluster: Cluster, settings: WorkloadSettings) -> Entrances:
    return Entrances(cluster, settings, INGRESS, ingress_entry)
