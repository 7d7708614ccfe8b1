"""What acts on one cluster as one identity: apply, prune, and the watches that see drift."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kube.apply import Applier
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.prune import Pruner
from shared.kube.tracker import Tracker
from shared.logic.owner import KUSTOMIZATION_LABELS, OwnerLabels


@dataclass(frozen=True, slots=True)
class Grip:
    """How a controller takes hold of objects: in whose name, how many at once, and by which labels."""

    field_manager: str
    concurrency: int = 4
    labels: OwnerLabels = KUSTOMIZATION_LABELS


@dataclass(frozen=True, slots=True)
class Hands:
    client: KubeClient
    discovery: Discovery
    tracker: Tracker
    applier: Applier
    pruner: Pruner

    @classmethod
    def on(cls, client: KubeClient, discovery: Discovery, tracker: Tracker, grip: Grip) -> Hands:
        return cls(
            client,
            discovery,
            tracker,
            Applier(
                client,
                discovery,
                tracker,
                field_manager=grip.field_manager,
                concurrency=grip.concurrency,
            ),
            Pruner(client, discovery, tracker, concurrency=grip.concurrency),
        )
