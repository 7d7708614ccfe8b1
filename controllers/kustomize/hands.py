"""What acts on one cluster as one identity: apply, prune, and the watches that see drift."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kube.apply import Applier
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.prune import Pruner
from shared.kube.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Hands:
    client: KubeClient
    discovery: Discovery
    tracker: Tracker
    applier: Applier
    pruner: Pruner

    @classmethod
    def on(cls, client: KubeClient, discovery: Discovery, tracker: Tracker, *, concurrency: int) -> Hands:
        return cls(
            client,
            discovery,
            tracker,
            Applier(client, discovery, tracker, concurrency=concurrency),
            Pruner(client, discovery, tracker, concurrency=concurrency),
        )
