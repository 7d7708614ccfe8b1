"""Are these objects healthy yet? (specs/kustomize.md 11, specs/runtime.md 9.4).

A check is asked again and again, by whoever is woken by a watch or a timer; in between it holds no
worker. Each time it reads only what moved since the last time, and what nobody watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Protocol

from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import ApiUnreachable, KubeError, NotFound
from shared.kube.parallel import each
from shared.kube.tracker import Tracker
from shared.logic.kstatus.compute import SELECTS_PODS, STATUSLESS, assess
from shared.logic.kstatus.health import NOT_FOUND, Assessment, Health, current
from shared.logic.kstatus.verdict import State, failed_early, timed_out
from shared.logic.kstatus.workloads import of_newest_revision, with_pods
from shared.logic.label_selector import render_match_labels
from shared.logic.sightings import Sighting, identity, is_newer
from shared.model.kinds import Resource
from shared.model.meta import GroupKind, Object, ObjectKey, ObjectRef

_POD = Resource("", "v1", "Pod", "pods")
_REPLICA_SET = Resource("apps", "v1", "ReplicaSet", "replicasets")
_POLL_WAITING = 2.0
_POLL_CURRENT = 5.0
_POLL_PODS = 5.0
_POLL_ANYWAY = 30.0
_AT_ONCE = 8


class StatusReader(Protocol):
    """Another way to judge some kinds: logic/health_exprs.py."""

    def judges(self, kind: GroupKind) -> bool:
        """Has it an opinion on this kind?"""

    def assess(self, obj: Object) -> Assessment | None:
        """None when it has no opinion on this kind."""


class Outcome(Enum):
    HEALTHY = auto()
    WAITING = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`message` is the text of a failure; `waiting` are the objects that are not Current."""

    outcome: Outcome
    message: str = ""
    waiting: tuple[ObjectRef, ...] = ()


@dataclass(slots=True)
class _Item:
    ref: ObjectRef
    found: Assessment | None = None
    resource: Resource | None = None
    key: ObjectKey | None = None
    version: str = ""
    tracked: bool = False
    read_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class HealthOptions:
    """`within` is seconds from the start of the check; `fail_fast` ends it at the first Failed object.

    `expiring` are Jobs with a time to live: Current when they are gone.
    """

    within: float
    fail_fast: bool = True
    expiring: frozenset[ObjectRef] = frozenset()
    reader: StatusReader | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


class HealthCheck:
    """One wait for a set of objects, which need not be managed by us."""

    def __init__(
        self,
        client: KubeClient,
        discovery: Discovery,
        tracker: Tracker,
        refs: Iterable[ObjectRef],
        options: HealthOptions,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._tracker = tracker
        self._options = options
        self._items = {ref: _Item(ref) for ref in refs}
        self._started = asyncio.get_running_loop().time()

    @property
    def elapsed(self) -> float:
        """Seconds since the check began."""
        return asyncio.get_running_loop().time() - self._started

    async def evaluate(self) -> Verdict:
        """Look again; WAITING until it is decided. Never raises a KubeError."""
        now = asyncio.get_running_loop().time()
        due = [item for item in self._items.values() if self._is_due(item, now)]
        await each(due, self._look, at_once=_AT_ONCE)
        return self._decide()

    def _decide(self) -> Verdict:
        states: list[State] = [(item.ref, item.found) for item in self._items.values()]
        open_states = [state for state in states if state[1] is None or not state[1].is_current]
        waiting = tuple(ref for ref, _ in open_states)
        if not open_states:
            return Verdict(Outcome.HEALTHY)
        if self.elapsed >= self._options.within:
            return Verdict(Outcome.FAILED, timed_out(states), waiting)
        failed = [found is not None and found.is_failed for _, found in open_states]
        if all(failed) or (any(failed) and self._options.fail_fast):
            return Verdict(Outcome.FAILED, failed_early(states), waiting)
        return Verdict(Outcome.WAITING, waiting=waiting)

    def _is_due(self, item: _Item, now: float) -> bool:
        age = now - item.read_at
        if item.found is None or item.resource is None or item.key is None:
            return True
        kind = item.resource.group_kind
        seen = self._find(kind, item.key)
        if item.tracked and seen is None:
            return True
        if seen is None or not item.version:
            return age >= (_POLL_CURRENT if item.found.is_current else _POLL_WAITING)
        if item.found.health is Health.IN_PROGRESS and kind in SELECTS_PODS and age >= _POLL_PODS:
            return True
        if not item.found.is_current and age >= _POLL_ANYWAY:
            return True
        return seen.leaving or is_newer(seen.version, item.version)

    def _find(self, kind: GroupKind, key: ObjectKey) -> Sighting | None:
        return self._tracker.find(kind, key) if self._tracker.covers(kind) else None

    async def _look(self, item: _Item) -> None:
        try:
            item.found = await self._read(item)
        except KubeError as error:
            # A server that does not answer says nothing about the object.
            if item.found is None or not isinstance(error, ApiUnreachable):
                item.found = Assessment(Health.UNKNOWN, error=str(error))
        item.read_at = asyncio.get_running_loop().time()
        if item.resource is not None and item.key is not None:
            item.tracked = self._find(item.resource.group_kind, item.key) is not None

    async def _read(self, item: _Item) -> Assessment:
        ref = item.ref
        item.resource = resource = await self._discovery.resource_of(ref)
        item.key = key = ref.key if resource.namespaced else ObjectKey("", ref.name)
        seen = self._sighted(resource.group_kind, key)
        if seen is not None:
            item.version = seen.version
            return current("Resource is current")
        try:
            live = await self._client.get(resource, key.namespace, key.name)
        except NotFound:
            item.version = ""
            return current("Job has expired") if ref in self._options.expiring else NOT_FOUND
        # Not noted as sighted: that would take the news out of a change which the watch is about to tell.
        _, item.version = identity(live)
        reader = self._options.reader
        found = reader.assess(live) if reader is not None else None
        if found is not None:
            return found
        found = assess(live, self._options.clock())
        if found.health is Health.IN_PROGRESS and resource.group_kind in SELECTS_PODS:
            return await self._with_pods(found, live)
        return found

    def _sighted(self, kind: GroupKind, key: ObjectKey) -> Sighting | None:
        """The metadata of an object that is healthy by being there; None when it has to be read."""
        reader = self._options.reader
        if kind not in STATUSLESS or (reader is not None and reader.judges(kind)):
            return None
        seen = self._find(kind, key)
        return seen if seen is not None and not seen.terminating and not seen.leaving else None

    async def _with_pods(self, found: Assessment, workload: Object) -> Assessment:
        """A workload on its way fails when a pod of its newest revision does."""
        now = self._options.clock()
        pods = await self._selected(_POD, workload)
        verdict = with_pods(found, pods, now)
        if not verdict.is_failed:
            return found
        sets = await self._selected(_REPLICA_SET, workload) if workload["kind"] == "Deployment" else []
        return with_pods(found, of_newest_revision(workload, pods, sets), now)

    async def _selected(self, resource: Resource, workload: Object) -> list[Object]:
        """What a workload selects; nothing when we may not look."""
        selector = render_match_labels((workload.get("spec") or {}).get("selector"))
        if not selector:
            return []
        namespace = workload["metadata"].get("namespace", "")
        try:
            listing = await self._client.list(
                resource, namespace, label_selector=selector, metadata_only=resource is _REPLICA_SET
            )
        except KubeError:
            return []
        return listing.items
