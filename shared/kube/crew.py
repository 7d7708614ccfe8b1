"""Which hands act for an owner, and the watches that see what others do to its objects.

One tracker for every cluster, running as the cluster's own identity; hands for every cluster and user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.kube.clusters import Actor, Clusters, Target, TargetKey
from shared.kube.hands import Grip, Hands
from shared.kube.tracker import Tracker
from shared.model.meta import ObjectKey

_MAX_HANDS = 500


class Crew:
    """`tend` is told of every new tracker, before it runs. `run` never returns."""

    def __init__(self, clusters: Clusters, grip: Grip, *, tend: Callable[[Tracker], None]) -> None:
        self._clusters = clusters
        self._grip = grip
        self._tend = tend
        self._trackers: dict[str, Tracker] = {}
        self._hands: dict[TargetKey, Hands] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    async def hands(self, actor: Actor) -> Hands:
        """Raises ClusterRefused when there is no way to act."""
        target = await self._clusters.client(actor)
        found = self._hands.get(target.key)
        if found is None:
            if len(self._hands) >= _MAX_HANDS:
                self._hands.clear()
            found = self._hands[target.key] = Hands.on(
                target.client, target.discovery, self._tracker(target), self._grip
            )
        return found

    async def can_act(self, actor: Actor) -> bool:
        """Does the service account to impersonate exist?"""
        return await self._clusters.can_impersonate(actor)

    def release(self, key: ObjectKey) -> None:
        """The owner is gone: nothing needs to be watched for it."""
        for tracker in self._trackers.values():
            tracker.release(key)

    def drop(self, cluster: str) -> None:
        """The connection to a remote cluster was given up."""
        self._trackers.pop(cluster, None)
        self._hands = {key: hands for key, hands in self._hands.items() if key.cluster != cluster}
        running = self._running.pop(cluster, None)
        if running is not None:
            running.cancel()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for cluster, tracker in self._trackers.items():
                    if cluster not in self._running:
                        self._running[cluster] = tasks.create_task(tracker.run(), name=f"track {cluster}")
                await self._changed.wait()

    def _tracker(self, target: Target) -> Tracker:
        tracker = self._trackers.get(target.key.cluster)
        if tracker is None:
            tracker = self._trackers[target.key.cluster] = Tracker(target.own, labels=self._grip.labels)
            self._tend(tracker)
            self._changed.set()
        return tracker
