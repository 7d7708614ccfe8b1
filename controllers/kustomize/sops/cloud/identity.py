"""The cloud identity of a Kustomization, for key services whose credentials its Secret does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.cloud.aws import AwsCredentials
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud
from shared.runtime.identities import Identities


class CloudIdentity(Protocol):
    """Both methods raise CloudError."""

    async def aws_keys(self, region: str) -> AwsCredentials: ...
    async def bearer(self, cloud: Cloud, scope: str = "") -> str: ...


@dataclass(frozen=True, slots=True)
class OfAccount:
    """That of a ServiceAccount of `namespace`, or the controller's own where `account` is empty."""

    identities: Identities
    namespace: str
    account: str

    async def aws_keys(self, region: str) -> AwsCredentials:
        account = await self.identities.account(self.namespace, self.account)
        return await self.identities.aws_keys(account, region)

    async def bearer(self, cloud: Cloud, scope: str = "") -> str:
        account = await self.identities.account(self.namespace, self.account)
        return (await self.identities.bearer(cloud, account, scope)).text


class Nobody:
    """Where only what a Secret holds may be used."""

    async def aws_keys(self, region: str) -> AwsCredentials:
        del region
        raise CloudError("there is no 'sops.aws-kms'")

    async def bearer(self, cloud: Cloud, scope: str = "") -> str:
        del scope
        entry = "sops.azure-kv" if cloud is Cloud.AZURE else "sops.gcp-kms"
        raise CloudError(f"there is no '{entry}'")
