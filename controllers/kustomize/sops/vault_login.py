"""Log in to vaults with a service account's token (specs/kustomize.md 6.1).

Only vaults that the administrator lists in the ConfigMap of `--sops-vault-configmap` are logged in
to: the address of a vault stands in the encrypted file, and a token is not for whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from controllers.kustomize.sops.cloud import vault
from controllers.kustomize.sops.errors import DataKeyUnavailable, KeysInvalid
from controllers.kustomize.sops.vault_auth import VaultAuth
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.kube.tokens import request_token
from shared.logic.go_yaml import YamlError, read_document
from shared.model.kinds import CONFIG_MAP
from shared.model.meta import ObjectKey

_ENTRY = "config.yaml"


class VaultLogins:
    """One token for each vault, for as long as one reconcile takes. `account` None: the controller's own."""

    __slots__ = ("_account", "_auth", "_client", "_instances", "_tokens")

    def __init__(self, client: KubeClient, auth: VaultAuth, account: ObjectKey | None) -> None:
        self._client = client
        self._auth = auth
        self._account = account or auth.own_account
        self._instances: Mapping[str, str] | None = None
        self._tokens: dict[str, str] = {}

    async def token(self, http: aiohttp.ClientSession, address: str) -> str:
        """Empty for a vault that is not listed. Raises KeysInvalid, DataKeyUnavailable."""
        address = address.rstrip("/")
        if address in self._tokens:
            return self._tokens[address]
        if self._instances is None:
            self._instances = await self._read()
        path = self._instances.get(address)
        if path is None:
            return ""
        if self._account is None:
            raise DataKeyUnavailable("there is no ServiceAccount to log in to the vault with")
        try:
            issued = await request_token(self._client, self._account, (address,))
        except KubeError as error:
            raise DataKeyUnavailable(f"no token for ServiceAccount '{self._account}': {error}") from error
        role = f"{self._account.namespace}_{self._account.name}"
        self._tokens[address] = await vault.log_in(http, address, path, role, issued.text)
        return self._tokens[address]

    async def _read(self) -> Mapping[str, str]:
        where = f"ConfigMap '{self._auth.config}'"
        try:
            found = await self._client.get(CONFIG_MAP, self._auth.config.namespace, self._auth.config.name)
            document = read_document(str((found.get("data") or {}).get(_ENTRY, "")))
        except KubeError as error:
            raise KeysInvalid(f"cannot get {where} of vaults: {error}") from error
        except YamlError as error:
            raise KeysInvalid(f"{_ENTRY} of {where}: {error}") from error
        instances = document.get("instances") if isinstance(document, dict) else None
        listed = {}
        for entry in instances if isinstance(instances, list) else ():
            if not isinstance(entry, dict) or not entry.get("address") or not entry.get("loginPath"):
                raise KeysInvalid(f"{_ENTRY} of {where}: an instance lacks its address or loginPath")
            listed[str(entry["address"]).rstrip("/")] = str(entry["loginPath"])
        return listed
