"""Where a Kustomization's keys come from (specs/kustomize.md 6.1): read anew for every reconcile."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

import aiohttp

from controllers.kustomize.sops.cloud.identity import OfAccount
from controllers.kustomize.sops.data_key import DataKeys
from controllers.kustomize.sops.decrypt import Decryptor
from controllers.kustomize.sops.errors import KeysInvalid
from controllers.kustomize.sops.keyring import Keyring
from controllers.kustomize.sops.vault_auth import VaultAuth
from controllers.kustomize.sops.vault_login import VaultLogins
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.kinds import SECRET
from shared.model.kustomize import Kustomization
from shared.model.meta import ObjectKey
from shared.runtime.identities import Identities


class Decryption:
    """Makes the Decryptor of a Kustomization. Secrets are read with the controller's own identity.

    `age_secret` is the Secret of `--sops-age-secret`, for Kustomizations that name none; `vaults` says
    how to log in to vaults for which there is no token; `identities`, whose cloud identity is used where
    there are no credentials. The HTTP session for key services is
    made when first needed; close when done.
    """

    def __init__(
        self,
        client: KubeClient,
        *,
        age_secret: ObjectKey | None = None,
        vaults: VaultAuth | None = None,
        identities: Identities | None = None,
        require_mac: bool = True,
    ) -> None:
        self._client = client
        self._age_secret = age_secret
        self._vaults = vaults
        self._identities = identities
        self._require_mac = require_mac
        self._http: aiohttp.ClientSession | None = None

    async def decryptor(self, ks: Kustomization) -> Decryptor | None:
        """None where the Kustomization has no `decryption`. Raises KeysInvalid."""
        if ks.decryption is None:
            return None
        logins = None
        if self._vaults is not None:
            account = ks.decryption.service_account or self._vaults.default_account
            logins = VaultLogins(
                self._client, self._vaults, ObjectKey(ks.namespace, account) if account else None
            )
        identity = None
        if self._identities is not None:
            identity = OfAccount(self._identities, ks.namespace, ks.decryption.service_account)
        keys = DataKeys(await self._keyring(ks), self._session(), logins, identity)
        return Decryptor(keys, require_mac=self._require_mac)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def _keyring(self, ks: Kustomization) -> Keyring:
        if ks.decryption is not None and ks.decryption.secret:
            return await self._read(ObjectKey(ks.namespace, ks.decryption.secret), only_age=False)
        if self._age_secret is not None:
            return await self._read(self._age_secret, only_age=True)
        return Keyring()

    async def _read(self, key: ObjectKey, *, only_age: bool) -> Keyring:
        try:
            secret = await self._client.get(SECRET, key.namespace, key.name)
        except KubeError as error:
            raise KeysInvalid(f"cannot get decryption Secret '{key}': {error}") from error
        try:
            # Unlocking a PGP key takes milliseconds.
            return await asyncio.to_thread(Keyring.parse, _decoded(secret.get("data")), only_age=only_age)
        except KeysInvalid as error:
            raise KeysInvalid(f"decryption Secret '{key}': {error}") from error

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            # The pod's proxy settings apply: key services are outside of the cluster.
            self._http = aiohttp.ClientSession(trust_env=True)
        return self._http


def _decoded(data: Any) -> dict[str, bytes]:
    decoded = {}
    for name, value in (data or {}).items():
        try:
            decoded[name] = base64.b64decode(value)
        except (binascii.Error, TypeError) as error:
            raise KeysInvalid(f"'{name}' is not base64") from error
    return decoded
