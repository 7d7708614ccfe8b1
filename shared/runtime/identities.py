"""Whose cloud identity an object uses, and the tokens made of it (specs/source.md 7.2).

Composes the ServiceAccounts of the cluster with the clouds' token services; tokens are kept between runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import aiohttp

from shared.cloud import aws, azure, gcp
from shared.cloud.account import Account, Token
from shared.cloud.aws import AwsCredentials
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud, log_in
from shared.cloud.token_cache import TokenCache
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError, NotFound
from shared.kube.tokens import request_token
from shared.model.kinds import SERVICE_ACCOUNT
from shared.model.meta import ObjectKey

GATE = "ObjectLevelWorkloadIdentity"


class IdentityDisabled(CloudError):
    """A ServiceAccount is named for a cloud, and the feature gate for that is off."""

    def __init__(self, field_path: str = "spec.serviceAccountName", purpose: str = "provider") -> None:
        super().__init__(
            f"to use {field_path} for {purpose} authentication please enable the {GATE} feature gate "
            "in the controller"
        )


@dataclass(frozen=True, slots=True)
class Identities:
    """`enabled` says whether the gate is on; `default_account` stands in for objects that name none."""

    client: KubeClient
    enabled: bool
    default_account: str
    tokens: TokenCache[Token]
    keys: TokenCache[AwsCredentials]

    @classmethod
    def over(
        cls, client: KubeClient, *, enabled: bool, default_account: str, size: int, longest: timedelta
    ) -> Identities:
        """With caches of `size` tokens, none kept longer than `longest`."""
        return cls(client, enabled, default_account, TokenCache(size, longest), TokenCache(size, longest))

    async def account(self, namespace: str, name: str) -> Account | None:
        """The ServiceAccount of that object; None for the process's own identity.

        Raises IdentityDisabled, and CloudError when the account cannot be read.
        """
        if name and not self.enabled:
            raise IdentityDisabled
        chosen = name or self.default_account
        if not chosen:
            return None
        shown = f"{namespace}/{chosen}"
        try:
            found = await self.client.get(SERVICE_ACCOUNT, namespace, chosen)
        except NotFound as error:
            raise CloudError(_missing(shown, by_default=not name)) from error
        except KubeError as error:
            raise CloudError(f"failed to get service account '{shown}': {error}") from error
        annotations = found["metadata"].get("annotations") or {}
        return Account(namespace, chosen, annotations, partial(self._mint, ObjectKey(namespace, chosen)))

    async def registry_login(
        self, cloud: Cloud, account: Account | None, host: str, *, proxy: str = ""
    ) -> Token:
        """The user and password for a registry. Raises CloudError."""
        key = ("registry", cloud, _identity(account), host, proxy)
        known = self.tokens.find(key)
        if known is not None:
            return known
        async with aiohttp.ClientSession() as http:
            token = await log_in(cloud, http, account, host, proxy=proxy)
        self.tokens.keep(key, token, token.expires.timestamp())
        return token

    async def bearer(
        self, cloud: Cloud, account: Account | None, scope: str = "", *, proxy: str = ""
    ) -> Token:
        """A bearer token of Azure, for `scope`, or of Google. Raises CloudError."""
        key = ("bearer", cloud, _identity(account), scope, proxy)
        known = self.tokens.find(key)
        if known is not None:
            return known
        if cloud is Cloud.AZURE:
            token = await azure.token(account, scope, proxy=proxy)
        else:
            token = await gcp.token(account, proxy=proxy)
        self.tokens.keep(key, token, token.expires.timestamp())
        return token

    async def aws_keys(
        self, account: Account | None, region: str, *, endpoint: str = "", proxy: str = ""
    ) -> AwsCredentials:
        """Keys of the account's role, or of the process. Raises CloudError."""
        key = ("keys", _identity(account), region, endpoint, proxy)
        known = self.keys.find(key)
        if known is not None:
            return known
        keys = await aws.credentials(account, region, endpoint=endpoint, proxy=proxy)
        self.keys.keep(key, keys, keys.expires.timestamp())
        return keys

    async def _mint(self, account: ObjectKey, audience: str) -> str:
        try:
            return (await request_token(self.client, account, (audience,))).text
        except KubeError as error:
            raise CloudError(f"failed to create a token for service account '{account}': {error}") from error


def _identity(account: Account | None) -> tuple[object, ...]:
    """What a token was made for: another annotation is another identity."""
    if account is None:
        return ()
    return (account.namespace, account.name, *sorted(account.annotations.items()))


def _missing(shown: str, *, by_default: bool) -> str:
    lockdown = (
        ": the administrators of this cluster require an identity of the object's own namespace; "
        "create it, or name another in spec.serviceAccountName"
    )
    return f"service account '{shown}' not found{lockdown if by_default else ''}"
