"""In whose name a HelmRelease acts, and what becomes of it when there is no way to (specs/helm.md 4, 17)."""

from __future__ import annotations

from controllers.helm.failures import ClusterFailed
from shared.kube.clusters import Actor, ClusterRefused, ReferenceUnread
from shared.kube.crew import Crew
from shared.kube.errors import NotFound
from shared.kube.hands import Hands
from shared.model.helm import HelmRelease


def actor_of(hr: HelmRelease) -> Actor:
    return Actor(hr.namespace, hr.service_account, hr.kube_config)


async def hands_of(hr: HelmRelease, crew: Crew) -> Hands:
    """Raises ClusterFailed, which is retried."""
    try:
        return await crew.hands(actor_of(hr))
    except ReferenceUnread as error:
        assert hr.kube_config is not None
        kind, name = (
            ("secret", hr.kube_config.secret)
            if hr.kube_config.secret
            else ("configmap", hr.kube_config.config_map)
        )
        raise ClusterFailed(
            f"could not get KubeConfig {kind} '{hr.namespace}/{name}': {error.__cause__}"
        ) from error
    except ClusterRefused as error:
        raise ClusterFailed(str(error)) from error


async def can_uninstall(hr: HelmRelease, crew: Crew) -> bool:
    """False when the kubeconfig, or without one the account to impersonate, does not exist any more."""
    actor = actor_of(hr)
    if hr.kube_config is None:
        return await crew.can_act(actor)
    try:
        await crew.hands(actor)
    except ReferenceUnread as error:
        return not isinstance(error.__cause__, NotFound)
    except ClusterRefused:
        return True
    return True
