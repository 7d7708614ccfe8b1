"""What Secrets say about a registry: logins, certificates, a proxy (specs/source.md 9.3, image.md 5).

Used by every kind that speaks to registries; which of it counts, and what to say when it is missing, is
the kind's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.kube.secrets import Secrets
from shared.logic.secret import Secret, SecretUnusable, tls_of
from shared.model.kinds import SERVICE_ACCOUNT
from shared.oci.docker_config import ANONYMOUS, Entry, Login, parse_docker_config
from shared.oci.errors import InvalidCredentials
from shared.oci.opening import Opening, Proxy

_CONFIG, _OLDER_CONFIG = ".dockerconfigjson", ".dockercfg"
_MAX_PULL_SECRETS = 50


@dataclass(frozen=True, slots=True)
class Named:
    """Secrets of one namespace, by name; empty where there is none."""

    namespace: str
    secret: str = ""
    service_account: str = ""
    cert_secret: str = ""
    proxy_secret: str = ""


class RegistrySecrets:
    """Reads them fresh each time. Every method raises SecretUnusable."""

    def __init__(self, client: KubeClient, secrets: Secrets) -> None:
        self._client, self._secrets = client, secrets

    async def entries(self, named: Named) -> list[Entry]:
        """Logins of the object's own secret first: the first of equally good keys wins."""
        names = [named.secret] if named.secret else []
        if named.service_account:
            names += await self._pull_secrets(named)
        entries: list[Entry] = []
        for name in names:
            entries += _entries_of(await self._secrets.read(named.namespace, name))
        return entries

    async def opening(self, named: Named, login: Login, *, insecure: bool) -> Opening:
        """That login, with the certificates and the proxy."""
        certificate = private_key = authority = ""
        if named.cert_secret:
            secret = await self._secrets.read(named.namespace, named.cert_secret)
            certificate, private_key, authority = tls_of(secret)
            if not certificate and not authority:
                raise SecretUnusable(f"secret '{secret.name}': neither 'ca.crt' nor 'tls.crt' and 'tls.key'")
        proxy = None
        if named.proxy_secret:
            proxy = _proxy_of(await self._secrets.read(named.namespace, named.proxy_secret))
        return Opening(login or ANONYMOUS, authority, certificate, private_key, proxy, insecure)

    async def _pull_secrets(self, named: Named) -> list[str]:
        shown = f"{named.namespace}/{named.service_account}"
        try:
            account = await self._client.find(SERVICE_ACCOUNT, named.namespace, named.service_account)
        except KubeError as error:
            raise SecretUnusable(f"failed to get service account '{shown}': {error}") from error
        if account is None:
            raise SecretUnusable(f"service account '{shown}' not found")
        listed: list[dict[str, Any]] = account.get("imagePullSecrets") or []
        return [each["name"] for each in listed[:_MAX_PULL_SECRETS] if each.get("name")]


def _entries_of(secret: Secret) -> list[Entry]:
    legacy = _CONFIG not in secret.data and _OLDER_CONFIG in secret.data
    key = _OLDER_CONFIG if legacy else _CONFIG
    if key not in secret.data:
        raise SecretUnusable(f"secret '{secret.name}': key '{_CONFIG}' not found")
    try:
        return parse_docker_config(secret.data[key], legacy=legacy)
    except InvalidCredentials as error:
        raise SecretUnusable(f"secret '{secret.name}': {error}") from error


def _proxy_of(secret: Secret) -> Proxy:
    username = secret.text("username")
    try:
        return Proxy(secret.require("address"), username, secret.text("password") if username else "")
    except (InvalidCredentials, ValueError) as error:
        raise SecretUnusable(f"secret '{secret.name}': {error}") from error
