"""Opens the clouds' clusters for appliers whose kubeConfig names a ConfigMap (specs/kustomize.md 13)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp

from shared.cloud import clusters
from shared.cloud.account import Account, Token
from shared.cloud.azure import MANAGEMENT_SCOPE
from shared.cloud.clusters import AKS_SCOPE, Endpoint
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud
from shared.kube.clusters import CloudCluster
from shared.kube.kubeconfig import Access, KubeconfigRefused
from shared.kube.remote import Credentials
from shared.runtime.identities import Identities

_MARGIN = timedelta(minutes=2)


@dataclass(slots=True)
class CloudToken:
    """A token of a cloud, asked for anew when the last one is nearly over."""

    issue: Callable[[], Awaitable[Token]]
    _token: Token | None = field(default=None, repr=False)

    async def get_api_key_with_prefix(self, name: str) -> str | None:
        del name
        if self._token is None or not self._token.lives(datetime.now(UTC) + _MARGIN):
            self._token = await self.issue()
        return f"Bearer {self._token.text}"


@dataclass(frozen=True, slots=True)
class CloudClusters:
    """Finds a cluster by its resource id, and makes tokens for it."""

    identities: Identities

    async def __call__(self, wanted: CloudCluster) -> tuple[Access, Credentials]:
        """Raises KubeconfigRefused."""
        try:
            account = await self.identities.account(wanted.namespace, wanted.service_account)
            endpoint = await self._endpoint(wanted, account)
            credentials = CloudToken(lambda: self._token(wanted, account))
            await credentials.get_api_key_with_prefix("")
        except CloudError as error:
            raise KubeconfigRefused(str(error)) from error
        address = wanted.address or endpoint.address
        return Access(address.rstrip("/"), ca=(wanted.ca or endpoint.ca).encode()), credentials

    async def _endpoint(self, wanted: CloudCluster, account: Account | None) -> Endpoint:
        if wanted.address and wanted.ca:
            return Endpoint(wanted.address, wanted.ca)
        cloud = Cloud(wanted.provider)
        if cloud is Cloud.AWS:
            region, _ = clusters.eks_parts(wanted.cluster)
            return await clusters.eks(await self.identities.aws_keys(account, region), wanted.cluster)
        async with aiohttp.ClientSession(trust_env=True) as http:
            if cloud is Cloud.GCP:
                token = await self.identities.bearer(Cloud.GCP, account)
                return await clusters.gke(http, token, wanted.cluster)
            token = await self.identities.bearer(Cloud.AZURE, account, MANAGEMENT_SCOPE)
            return await clusters.aks(http, token, wanted.cluster, wanted.address)

    async def _token(self, wanted: CloudCluster, account: Account | None) -> Token:
        cloud = Cloud(wanted.provider)
        if cloud is Cloud.AWS:
            region, _ = clusters.eks_parts(wanted.cluster)
            return await clusters.eks_token(await self.identities.aws_keys(account, region), wanted.cluster)
        return await self.identities.bearer(cloud, account, AKS_SCOPE if cloud is Cloud.AZURE else "")
