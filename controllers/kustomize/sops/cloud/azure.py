"""Azure Key Vault: decrypt with a vault's key, with a token of the Secret's identity or of another."""

from __future__ import annotations

import re

import aiohttp
import orjson

from controllers.kustomize.sops.cloud.call import plaintext, post
from controllers.kustomize.sops.cloud.identity import CloudIdentity
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.metadata import WrappedKey
from shared.cloud import azure
from shared.cloud.azure import Application
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud

# The address stands in the encrypted file. A token is sent to Azure's own hosts and to no other.
_VAULT = re.compile(
    r"https://[A-Za-z0-9-]{1,127}\."
    r"(vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net|managedhsm\.azure\.net)/?"
)
_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")


async def decrypt(
    http: aiohttp.ClientSession, application: Application | None, identity: CloudIdentity, wrapped: WrappedKey
) -> bytes:
    """`application` is the Secret's; without it the identity's token is used. Raises DataKeyUnavailable."""
    vault, name, version = (wrapped.field(field) for field in ("vault_url", "name", "version"))
    what = f"Azure Key Vault {vault[:200]!r}"
    match = _VAULT.fullmatch(vault)
    if match is None or not _NAME.fullmatch(name) or (version and not _NAME.fullmatch(version)):
        raise DataKeyUnavailable(f"{what}: not the address of a key in Azure")
    scope = f"https://{match.group(1)}/.default"
    try:
        if application is not None:
            token = (await azure.token_of(application, scope)).text
        else:
            token = await identity.bearer(Cloud.AZURE, scope)
    except CloudError as error:
        raise DataKeyUnavailable(f"{what}: {error}") from error
    answer = await post(
        http,
        f"{vault.rstrip('/')}/keys/{name}/{version}/decrypt?api-version=7.4",
        what=what,
        body=orjson.dumps({"alg": "RSA-OAEP-256", "value": wrapped.encrypted}),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    return plaintext(answer.get("value"), what=what, url_safe=True)
