"""In whose name a Kustomization acts, and what becomes of it when there is no way to."""

from __future__ import annotations

from controllers.kustomize.failures import ReconciliationFailed
from shared.kube.clusters import Actor, ClusterRefused
from shared.kube.crew import Crew
from shared.kube.hands import Hands
from shared.model.kustomize import Kustomization


def actor_of(ks: Kustomization) -> Actor:
    return Actor(ks.namespace, ks.service_account, ks.kube_config)


async def hands_of(ks: Kustomization, crew: Crew) -> Hands:
    """Raises ReconciliationFailed, which is retried."""
    try:
        return await crew.hands(actor_of(ks))
    except ClusterRefused as error:
        raise ReconciliationFailed(str(error), retry_in=ks.retry_interval) from error
