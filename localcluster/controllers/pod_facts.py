"""What other controllers want to know of a pod, read once for each of its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localcluster.clock import now, parse
from localcluster.controllers.conditions import find
from localcluster.controllers.ownership import Owner, controller_of
from localcluster.store.revision import Key, Obj, Revision

_VIEW = "pod-facts"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True, slots=True)
class PodFacts:
    """`ready_since` is epoch seconds, 0.0 for a pod that is not ready; `restarts` counts all containers'."""

    key: Key
    uid: str
    owner: Owner
    labels: Mapping[str, str]
    phase: str
    ready_since: float
    terminating: bool
    scheduled: bool
    restarts: int
    address: str
    completion_index: str
    ports: Mapping[str, int]

    @property
    def ready(self) -> bool:
        return self.ready_since > 0

    @property
    def ended(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        """Whether it counts as one of its controller's replicas."""
        return not self.ended and not self.terminating

    def available(self, min_ready_seconds: int) -> bool:
        return self.ready and self.seconds_until_available(min_ready_seconds) <= 0

    def seconds_until_available(self, min_ready_seconds: int) -> float:
        """For a ready pod: how long it must yet stay so to count as available."""
        if not min_ready_seconds:
            return 0.0
        return self.ready_since + min_ready_seconds - now().timestamp()


def facts_of(revision: Revision) -> PodFacts:
    known: PodFacts | None = revision.remembered(_VIEW)
    if known is None:
        known = _read(revision)
        revision.remember(_VIEW, known)
    return known


def _read(revision: Revision) -> PodFacts:
    obj = revision.load()
    metadata, status = obj["metadata"], obj.get("status") or {}
    containers = status.get("containerStatuses") or ()
    return PodFacts(
        key=revision.key,
        uid=revision.uid,
        owner=controller_of(obj),
        labels=revision.labels,
        phase=status.get("phase", "Pending"),
        ready_since=_ready_since(status),
        terminating="deletionTimestamp" in metadata,
        scheduled=bool(obj["spec"].get("nodeName")),
        restarts=sum(each.get("restartCount", 0) for each in containers),
        address=status.get("podIP", ""),
        completion_index=(metadata.get("annotations") or {}).get(COMPLETION_INDEX, ""),
        ports=_named_ports(obj["spec"]),
    )


def _named_ports(spec: Obj) -> dict[str, int]:
    ports = (port for container in spec["containers"] for port in container.get("ports") or ())
    return {port["name"]: port["containerPort"] for port in ports if port.get("name")}


def _ready_since(status: Obj) -> float:
    condition = find(status.get("conditions") or [], "Ready")
    if condition is None or condition["status"] != "True":
        return 0.0
    moment = parse(condition.get("lastTransitionTime") or "")
    return moment.timestamp() if moment else 1.0
