"""Azure Key Vault: decrypt with a vault's key, after a login with a client secret."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from controllers.kustomize.sops.cloud.call import plaintext, post
from controllers.kustomize.sops.cloud.credentials import AzureLogin
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.metadata import WrappedKey

# The address stands in the encrypted file. A token is sent to Azure's own hosts and to no other.
_VAULT = re.compile(
    r"https://[A-Za-z0-9-]{1,127}\."
    r"(vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net|managedhsm\.azure\.net)/?"
)
_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")


async def decrypt(http: aiohttp.ClientSession, login: AzureLogin | None, wrapped: WrappedKey) -> bytes:
    """Raises DataKeyUnavailable."""
    vault, name, version = (wrapped.field(field) for field in ("vault_url", "name", "version"))
    what = f"Azure Key Vault {vault[:200]!r}"
    if login is None:
        raise DataKeyUnavailable(
            f"{what}: there is no 'sops.azure-kv' (workload identity needs the cloud extra)"
        )
    match = _VAULT.fullmatch(vault)
    if match is None or not _NAME.fullmatch(name) or (version and not _NAME.fullmatch(version)):
        raise DataKeyUnavailable(f"{what}: not the address of a key in Azure")
    form = {
        "grant_type": "client_credentials",
        "client_id": login.client,
        "client_secret": login.secret,
        "scope": f"https://{match.group(1)}/.default",
    }
    token = await post(
        http,
        f"{login.authority}/{quote(login.tenant, safe='')}/oauth2/v2.0/token",
        what="Azure's login",
        body=urlencode(form).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    answer = await post(
        http,
        f"{vault.rstrip('/')}/keys/{name}/{version}/decrypt?api-version=7.4",
        what=what,
        body=orjson.dumps({"alg": "RSA-OAEP-256", "value": wrapped.encrypted}),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token.get('access_token', '')}",
        },
    )
    return plaintext(answer.get("value"), what=what, url_safe=True)
