"""From the wrapped copies of a document's data key to the key: the first that opens wins."""

from __future__ import annotations

import asyncio

import aiohttp

from controllers.kustomize.sops.cloud import aws, azure, gcp, vault
from controllers.kustomize.sops.cloud.identity import CloudIdentity, Nobody
from controllers.kustomize.sops.errors import DataKeyUnavailable, SopsError
from controllers.kustomize.sops.keyring import Keyring
from controllers.kustomize.sops.metadata import KeyKind, Metadata, WrappedKey
from controllers.kustomize.sops.shamir import combine
from controllers.kustomize.sops.vault_login import VaultLogins


class DataKeys:
    """Opens data keys with one keyring; key services are asked over `http`.

    `logins` get tokens of vaults, and `identity` credentials of clouds, where the keyring has none.
    """

    __slots__ = ("_http", "_identity", "_keyring", "_logins")

    def __init__(
        self,
        keyring: Keyring,
        http: aiohttp.ClientSession,
        logins: VaultLogins | None = None,
        identity: CloudIdentity | None = None,
    ) -> None:
        self._keyring = keyring
        self._http = http
        self._logins = logins
        self._identity = identity or Nobody()

    async def recover(self, metadata: Metadata) -> bytes:
        """The data key. Raises DataKeyUnavailable with why each kind of key failed; DocumentInvalid."""
        shares: list[bytes] = []
        reasons: list[str] = []
        needed = metadata.threshold if len(metadata.groups) > 1 else 1
        for group in metadata.groups:
            share = await self._first(group, reasons)
            if share is not None:
                shares.append(share)
            if len(shares) == needed and needed > 0:
                return shares[0] if len(metadata.groups) == 1 else await asyncio.to_thread(combine, shares)
        told = "; ".join(dict.fromkeys(reasons))
        missing = f"{len(shares)} of {needed} key groups open: " if len(metadata.groups) > 1 else ""
        raise DataKeyUnavailable(f"cannot get the data key: {missing}{told[:1000]}")

    async def _first(self, group: tuple[WrappedKey, ...], reasons: list[str]) -> bytes | None:
        for wrapped in group:
            try:
                return await self._open(wrapped)
            except SopsError as error:
                reasons.append(str(error))
        return None

    async def _open(self, wrapped: WrappedKey) -> bytes:
        match wrapped.kind:
            case KeyKind.AGE:
                return await asyncio.to_thread(self._keyring.open_age, wrapped.encrypted)
            case KeyKind.PGP:
                return await asyncio.to_thread(self._keyring.open_pgp, wrapped.encrypted)
            case KeyKind.VAULT:
                token = self._keyring.vault_token
                if not token and self._logins is not None:
                    token = await self._logins.token(self._http, wrapped.field("vault_address"))
                return await vault.decrypt(self._http, token, wrapped)
            case KeyKind.AWS_KMS:
                return await aws.decrypt(self._keyring.aws, self._identity, wrapped)
            case KeyKind.GCP_KMS:
                return await gcp.decrypt(self._http, self._keyring.gcp, self._identity, wrapped)
            case KeyKind.AZURE_KEY_VAULT:
                return await azure.decrypt(self._http, self._keyring.azure, self._identity, wrapped)
            case KeyKind.HUAWEI_KMS:
                raise DataKeyUnavailable("keys of Huawei Cloud (hckms) are not supported")
