"""Which hands act for a Kustomization: the controller's own, or those of a service account."""

from __future__ import annotations

from controllers.kustomize.failures import ReconciliationFailed
from controllers.kustomize.hands import Hands
from shared.kube.client import Identity, KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import KubeError
from shared.kube.tracker import Tracker
from shared.model.kinds import SERVICE_ACCOUNT
from shared.model.kustomize import Kustomization


class Crew:
    """One tracker for the cluster; appliers by identity. Reads of the tracker are the controller's own."""

    def __init__(
        self, client: KubeClient, discovery: Discovery, *, default_account: str, concurrency: int
    ) -> None:
        self._client, self._discovery = client, discovery
        self._default_account = default_account
        self._concurrency = concurrency
        self.tracker = Tracker(client)
        self._by_identity: dict[str, Hands] = {}

    async def hands(self, ks: Kustomization) -> Hands:
        """Raises ReconciliationFailed when there is no way to act."""
        if ks.kube_config is not None:
            raise ReconciliationFailed("spec.kubeConfig is not supported yet", retry_in=ks.retry_interval)
        account = self._account(ks)
        who = f"{ks.namespace}/{account}" if account else ""
        found = self._by_identity.get(who)
        if found is None:
            client = self._client
            if account:
                client = client.impersonating(Identity.service_account(ks.namespace, account))
            found = Hands.on(client, self._discovery, self.tracker, concurrency=self._concurrency)
            self._by_identity[who] = found
        return found

    async def can_act(self, ks: Kustomization) -> bool:
        """Does the service account to impersonate exist?"""
        account = self._account(ks)
        if not account:
            return True
        try:
            return await self._client.find(SERVICE_ACCOUNT, ks.namespace, account) is not None
        except KubeError:
            return False

    def _account(self, ks: Kustomization) -> str:
        return ks.service_account or self._default_account
